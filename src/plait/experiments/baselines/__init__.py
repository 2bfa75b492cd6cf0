"""Rows of a comparison that need no new network, or one that is not joint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.baselines.merged import Merged, NotMergeable, merged
    from plait.experiments.baselines.merging_ways import MERGING

__all__ = ["MERGING", "Merged", "NotMergeable", "merged"]

lazy(__name__)
