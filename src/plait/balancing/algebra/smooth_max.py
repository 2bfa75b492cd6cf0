"""The smooth maximum of Tchebycheff methods."""

from __future__ import annotations

from torch import Tensor


def smooth_max(values: Tensor, mu: float) -> Tensor:
    """Returns ``mu log sum_t exp(v_t / mu)`` of values `[T]`; it overflows for no positive mu.

    Example:
        >>> import torch
        >>> smooth_max(torch.tensor([1.0, 3.0]), mu=1e-40)
        tensor(3.)
    """
    largest = values.detach().max()  # before the division: the quotients may overflow
    return largest + mu * ((values - largest) / mu).logsumexp(0)
