"""One answer: which tasks to train together, how, and what it brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.advise.advise import advise

__all__ = ["advise"]

lazy(__name__)
