"""Division that leaves zeros at zero."""

from __future__ import annotations

import torch
from torch import Tensor


def inverse_of_positive(values: Tensor) -> Tensor:
    """Returns 1 / v where v is above 0, else 0.

    Example:
        >>> inverse_of_positive(torch.tensor([2.0, 0.0]))
        tensor([0.5000, 0.0000])
    """
    positive = values > 0
    return torch.where(positive, 1 / torch.where(positive, values, 1.0), 0.0)
