"""Length and direction of groups of numbers: norms, shrinkage, unit vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.regularization.algebra.inverse import inverse_of_positive

TINY = 1e-12  # below it, a vector has no direction


def shrink_rows(values: Tensor, step: float, dims: Sequence[int]) -> Tensor:
    """Returns the minimiser of ``|X - V|^2 / 2 + step sum_rows |row|``.

    Each row keeps its direction and loses `step` of its length; a shorter one becomes 0.

    Args:
        values: V.
        step: at least 0.
        dims: the axes over which a row extends.

    Example:
        >>> shrink_rows(torch.tensor([[3.0, 4.0], [0.1, 0.0]]), 1.0, [1])
        tensor([[2.4000, 3.2000],
                [0.0000, 0.0000]])
    """
    lengths = torch.linalg.vector_norm(values, dim=tuple(dims), keepdim=True)
    longer = lengths > step
    return values * torch.where(longer, 1 - step / torch.where(longer, lengths, 1.0), 0.0)


def unit_rows(rows: Tensor) -> Tensor:
    """Returns the rows at length 1; a row of length 0 stays 0 and gets no gradient.

    Args:
        rows: `[n, d]`.
    """
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return rows * inverse_of_positive(lengths.where(lengths > TINY, 0.0))
