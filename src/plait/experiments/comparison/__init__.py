"""Did joint training help? Members, each from several seeds, against one network for each task."""

from plait.experiments.comparison.compare import compare
from plait.experiments.comparison.member import FAMILIES, JOINT, Member

__all__ = ["FAMILIES", "JOINT", "Member", "compare"]
