"""Like heads as one block of the optimizer, in which each task takes its own steps."""

from plait.training.joined.joining import Joining, join_heads

__all__ = ["Joining", "join_heads"]
