"""Family 1: which parameters the tasks share."""

from plait.sharing.base import Sharing
from plait.sharing.hard import Hard
from plait.sharing.separate import Separate

__all__ = ["Hard", "Separate", "Sharing"]
