"""Rows of a comparison that need no new network, or one that is not joint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.baselines.merged import Merged, merged
    from plait.experiments.baselines.merging_ways import MERGING
    from plait.experiments.baselines.no_row import NoRow

__all__ = ["MERGING", "Merged", "NoRow", "merged"]

lazy(__name__)
