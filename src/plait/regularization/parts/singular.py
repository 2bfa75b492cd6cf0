"""Singular values and left singular vectors of few rows or of any matrix."""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 1 << 20  # columns that are widened at once
# Smallest over largest eigenvalue of the Gram matrix down to which a singular value has 10 digits
SAFE = 1e-6


def gram(rows: Tensor) -> Tensor:
    """Returns ``W W^T``, `[m, m]`, in float64; O(m^2 n)."""
    size = len(rows)
    total = torch.zeros(size, size, dtype=torch.float64, device=rows.device)
    for start in range(0, rows.shape[1], CHUNK):
        wide = rows[:, start : start + CHUNK].to(torch.float64)
        total += wide @ wide.T
    return total


def singular(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the singular values `[m]` of W `[m, n]` and its left vectors `[m, m]`, in float64.

    They come from the eigenvectors of ``W W^T``, which for few rows is many times as fast as a
    singular value decomposition. Values below the square root of the machine's precision are lost
    in it: it is formed in float64, so for a W in float32 nothing is lost that W had; a W in float64
    is decomposed itself where it is badly conditioned.

    Args:
        matrix: W; without a graph. Values that are zero to rounding are returned as zero.
    """
    matrix = matrix.detach()
    size, columns = matrix.shape
    rounding = max(size, columns) * torch.finfo(torch.float64).eps
    squares, vectors = torch.linalg.eigh(gram(matrix))
    squares = squares.clamp(min=0)
    top = squares.max()
    if matrix.dtype == torch.float64 and bool(squares.min() < SAFE * top):
        vectors, found, _ = torch.linalg.svd(matrix, full_matrices=size > columns)
        values = torch.cat([found, found.new_zeros(size - len(found))])
        return values.where(values > rounding * values.max(), 0.0), vectors
    return squares.where(squares > rounding * top, 0.0).sqrt(), vectors


def inverse_of_positive(values: Tensor) -> Tensor:
    """Returns 1 / v where v is above 0, else 0.

    Example:
        >>> inverse_of_positive(torch.tensor([2.0, 0.0]))
        tensor([0.5000, 0.0000])
    """
    positive = values > 0
    return torch.where(positive, 1 / torch.where(positive, values, 1.0), 0.0)
