"""The trace norm (nuclear norm), its subgradient of least norm, and its proximal operator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from plait.regularization.parts.singular import inverse_of_positive, singular


class _NuclearNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        values, vectors = singular(matrix)
        # U diag(1 / sigma) U^T W is U V^T over the singular values above 0
        slope = ((vectors * inverse_of_positive(values)) @ vectors.T).to(matrix.dtype)
        ctx.save_for_backward(matrix, slope)
        total: Tensor = values.sum().to(matrix.dtype)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        matrix, slope = ctx.saved_tensors
        product: Tensor = gradient * (slope @ matrix)
        return product


def nuclear_norm(matrix: Tensor) -> Tensor:
    """Returns the sum of the singular values of W.

    Its gradient is ``U V^T`` over the singular values above 0: the subgradient of least norm, which
    is 0 at W = 0 and finite where singular values are equal.

    Args:
        matrix: W, `[m, n]`; the smaller side is decomposed.

    Example:
        >>> nuclear_norm(torch.tensor([[3.0, 0.0], [0.0, -4.0]]))
        tensor(7.)
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    norm: Tensor = _NuclearNorm.apply(wide)  # type: ignore[no-untyped-call]
    return norm


def shrink_singular_values(matrix: Tensor, step: float) -> Tensor:
    """Returns the minimiser of ``|X - W|^2 / 2 + step |X|_*``: singular values max(s - step, 0).

    Args:
        matrix: W, `[m, n]`, with m the smaller side.
        step: at least 0.
    """
    values, vectors = singular(matrix)
    kept = 1 - step * inverse_of_positive(values)
    shrunk = (vectors * kept.clamp(min=0)) @ vectors.T
    return shrunk.to(matrix.dtype) @ matrix
