"""The sum of the largest magnitudes, and its proximal operator."""

from __future__ import annotations

import torch
from torch import Tensor


def l1inf_norm(rows: Tensor) -> Tensor:
    """Returns ``sum_j max_t |w_tj|``.

    Args:
        rows: `[T, P]`, a row for each task.

    Example:
        >>> l1inf_norm(torch.tensor([[1.0, -3.0], [-2.0, 0.0]]))
        tensor(5.)
    """
    return rows.abs().amax(dim=0).sum()


def l1inf_prox(rows: Tensor, step: float) -> Tensor:
    """Returns the minimiser of ``|X - W|^2 / 2 + step sum_j max_t |x_tj|``.

    In each column the largest magnitudes are cut to one height, such that what is cut off sums to
    `step`; a column that sums to less becomes 0. (What is cut off is the projection onto the
    l1-ball of that radius.)

    Args:
        rows: W, `[T, P]`.
        step: at least 0.
    """
    sizes = rows.abs()
    descending = sizes.sort(dim=0, descending=True).values
    counts = torch.arange(1, len(rows) + 1, dtype=rows.dtype, device=rows.device)[:, None]
    # cutting the k largest to the height h_k takes `step` from them; the right k has the largest h
    height = ((descending.cumsum(dim=0) - step) / counts).amax(dim=0).clamp(min=0)
    return rows.sign() * torch.minimum(sizes, height)
