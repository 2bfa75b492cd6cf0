"""The processes of a training: sums over them, agreement, broadcast; nothing in one process."""

from plait.distributed.joined import joined
from plait.distributed.ranks import ALONE, Ranks, ranks

__all__ = ["ALONE", "Ranks", "joined", "ranks"]
