"""The trace norm (nuclear norm), its subgradient of least norm, and its proximal operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from plait.regularization.algebra.inverse import inverse_of_positive
from plait.regularization.algebra.singular import singular


class _NuclearNorms(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *matrices: Tensor) -> Tensor:
        pairs = singular(matrices)
        # U diag(1 / sigma) U^T W is U V^T over the singular values above 0
        slopes = [
            ((vectors * inverse_of_positive(values)) @ vectors.T).to(matrix.dtype)
            for matrix, (values, vectors) in zip(matrices, pairs, strict=True)
        ]
        ctx.save_for_backward(*matrices, *slopes)
        return torch.stack([values.sum() for values, _ in pairs]).to(matrices[0].dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradients: Tensor) -> tuple[Tensor, ...]:
        saved = ctx.saved_tensors
        matrices, slopes = saved[: len(gradients)], saved[len(gradients) :]
        return tuple(
            (gradient * slope) @ matrix
            for gradient, slope, matrix in zip(gradients, slopes, matrices, strict=True)
        )


def nuclear_norms(matrices: Sequence[Tensor]) -> Tensor:
    """Returns the sum of the singular values of each matrix, `[len(matrices)]`.

    The gradient is ``U V^T`` over the singular values above 0: the subgradient of least norm, which
    is 0 at W = 0 and finite where singular values are equal.

    Args:
        matrices: W, `[m, n]` each, of one dtype; the smaller sides are decomposed.

    Example:
        >>> nuclear_norms([torch.tensor([[3.0, 0.0], [0.0, -4.0]]), torch.ones(1, 4)])
        tensor([7., 2.])
    """
    wide = [matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T for matrix in matrices]
    norms: Tensor = _NuclearNorms.apply(*wide)  # type: ignore[no-untyped-call]
    return norms


def shrink_singular_values(matrices: Sequence[Tensor], step: float) -> list[Tensor]:
    """Returns the minimisers of ``|X - W|^2 / 2 + step |X|_*``: singular values max(s - step, 0).

    Args:
        matrices: W, `[m, n]` each, without a graph; m is best the smaller side.
        step: at least 0.
    """
    shrunk = []
    for matrix, (values, vectors) in zip(matrices, singular(matrices), strict=True):
        kept = (1 - step * inverse_of_positive(values)).clamp(min=0)
        shrunk.append(((vectors * kept) @ vectors.T).to(matrix.dtype) @ matrix)
    return shrunk
