"""Per-task gradients: which parameters are shared, the rows, and their inner products."""

from plait.gradients.gramian import gramian, norms_and_cosines
from plait.gradients.graph import leaves
from plait.gradients.rows import OwnGradients, RowBuffer
from plait.gradients.write import accumulate

__all__ = ["OwnGradients", "RowBuffer", "accumulate", "gramian", "leaves", "norms_and_cosines"]
