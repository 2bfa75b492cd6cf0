"""Several data sets in one training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.data.mixture.data_sets import DataSets
    from plait.data.mixture.each_once import EachOnce
    from plait.data.mixture.mixture import Mixture
    from plait.data.mixture.source import Source

__all__ = ["DataSets", "EachOnce", "Mixture", "Source"]

lazy(__name__)
