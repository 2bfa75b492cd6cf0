"""Per-task gradients: which parameters are shared, the rows, and their inner products."""

from plait.gradients.check import check_losses, values_of
from plait.gradients.gramian import gramian, norms_and_cosines
from plait.gradients.graph import gradients, leaves
from plait.gradients.rows import OwnGradients, RowBuffer
from plait.gradients.write import accumulate, add

__all__ = [
    "OwnGradients",
    "RowBuffer",
    "accumulate",
    "add",
    "check_losses",
    "gradients",
    "gramian",
    "leaves",
    "norms_and_cosines",
    "values_of",
]
