"""Did joint training help? Members, each from several seeds, against one network for each task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.experiments.comparison.compare import compare
    from plait.experiments.comparison.member import FAMILIES, JOINT, Member

__all__ = ["FAMILIES", "JOINT", "Member", "compare"]

lazy(__name__)
