"""Like tasks as one block."""

from plait.tasks.block.alike import kind_of

__all__ = ["kind_of"]
