"""The focal factor: less weight for labels that are predicted well already."""

from __future__ import annotations

import torch
from torch import Tensor


def focal(entropies: Tensor, gamma: float) -> Tensor:
    """Scales cross-entropies by how far each label is from being certain.

        l = -(1 - p)^gamma log p,    p the probability of the label

    Labels that are almost certain, such as those of most pixels, then leave the say to the others.

    Args:
        entropies: -log p, not negative, of any shape.
        gamma: 0 leaves them as they are; 2 is that of the paper.

    Reference: Lin, Goyal, Girshick, He, Dollar, "Focal Loss for Dense Object Detection", ICCV 2017.

    Example:
        >>> focal(torch.tensor([0.1, 1.0]), 2.0)  # times 0.0952^2 and 0.632^2
        tensor([0.0009, 0.3996])
    """
    missed = -torch.expm1(-entropies)
    # Off 0, where the power of a number has no finite slope
    return missed.clamp(min=torch.finfo(missed.dtype).tiny) ** gamma * entropies
