"""Search for settings: which are searched, in which ranges, and which are the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.search.defaults import default_space
    from plait.experiments.search.space import Space
    from plait.experiments.search.trials import Trial, rates_of, trials_for
    from plait.experiments.search.tune import Search, tune
    from plait.experiments.search.words import read_space

__all__ = [
    "Search",
    "Space",
    "Trial",
    "default_space",
    "rates_of",
    "read_space",
    "trials_for",
    "tune",
]

lazy(__name__)
