"""Like tasks as one block: one batched head, one vector of losses."""

from plait.tasks.block.alike import kind_of
from plait.tasks.block.heads import BlockHead
from plait.tasks.block.losses import BlockLosses, losses_of

__all__ = ["BlockHead", "BlockLosses", "kind_of", "losses_of"]
