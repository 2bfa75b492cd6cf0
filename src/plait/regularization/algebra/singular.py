"""Singular values and left singular vectors of few rows or of any matrix."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

EPS = torch.finfo(torch.float64).eps
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


def singular(matrices: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Returns the singular values `[m]` and left vectors `[m, m]` of each W `[m, n]`, in float64.

    They come from the eigenvectors of ``W W^T``, which for few rows is many times as fast as a
    singular value decomposition, and at once for all matrices with as many rows. Values below the
    square root of the machine's precision are lost in it: it is formed in float64, so for a W in
    float32 nothing is lost that W had; a W in float64 is decomposed itself where it is badly
    conditioned.

    Args:
        matrices: without a graph. Values that are zero to rounding are returned as zero.
    """
    found: dict[int, tuple[Tensor, Tensor]] = {}
    for size in {len(matrix) for matrix in matrices}:
        alike = [index for index, matrix in enumerate(matrices) if len(matrix) == size]
        squares, vectors = torch.linalg.eigh(torch.stack([gram(matrices[i]) for i in alike]))
        squares = squares.clamp(min=0)
        top = squares[:, -1:]
        lost = (squares[:, 0] < SAFE * top[:, 0]).tolist()
        rounding = EPS * squares.new_tensor([[max(matrices[i].shape)] for i in alike])
        values = squares.where(squares > rounding * top, 0.0).sqrt()
        for index, bad, *pair in zip(alike, lost, values, vectors, strict=True):
            wide = matrices[index].dtype == torch.float64
            found[index] = _decomposed(matrices[index]) if bad and wide else (pair[0], pair[1])
    return [found[index] for index in range(len(matrices))]


def _decomposed(matrix: Tensor) -> tuple[Tensor, Tensor]:
    size, columns = matrix.shape
    vectors, found, _ = torch.linalg.svd(matrix, full_matrices=size > columns)
    values = torch.cat([found, found.new_zeros(size - len(found))])
    return values.where(values > max(size, columns) * EPS * values[0], 0.0), vectors
