"""Weighted sums of gradient rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from plait.core.exponents import mended, outside

COLUMNS = 1 << 16  # in one product; bounds the memory for copies in double precision


def at_least_single(dtype: torch.dtype) -> torch.dtype:
    """Returns float32 for a half-precision dtype, else `dtype` itself: the dtype to sum in."""
    return torch.promote_types(dtype, torch.float32)


def weighted_sum(weights: Sequence[float], rows: Iterable[Tensor]) -> Tensor:
    """Returns ``sum_i w_i row_i``, in the shape of a row; there must be at least one.

    The rows are neither copied together nor edited.
    """
    total = None
    for weight, row in zip(weights, rows, strict=True):
        total = row * weight if total is None else total.add_(row, alpha=weight)
    assert total is not None
    return total


def row_lengths(rows: Iterable[Tensor]) -> np.ndarray:
    """Returns the Euclidean lengths `[T]` of rows, float64 on the host, at any scale.

    It waits for the device once; twice where single precision does not hold the squares.
    """
    kept = list(rows)

    def measure(least: torch.dtype) -> Tensor:
        dtype = torch.promote_types(kept[0].dtype, least)
        return torch.stack([torch.linalg.vector_norm(row, dtype=dtype) for row in kept]).double()

    found = measure(torch.float32).cpu().numpy()
    return mended(found, outside(found), lambda: measure(torch.float64))


def inner_products(rows: Sequence[Tensor], others: Sequence[Tensor]) -> np.ndarray:
    """Returns the inner products `[n, T]` of n rows with T others, all `[P]`, float64 on the host.

    They are taken in double precision, which holds those of single precision at any scale. It waits
    for the device once.

    Example:
        >>> inner_products([torch.tensor([3.0, 4.0])], [torch.ones(2), torch.zeros(2)]).tolist()
        [[7.0, 0.0]]
    """
    total = torch.zeros(len(rows), len(others), dtype=torch.float64, device=rows[0].device)
    for start in range(0, rows[0].shape[0], COLUMNS):
        columns = slice(start, start + COLUMNS)
        one, other = (torch.stack([row[columns] for row in each]) for each in (rows, others))
        total += one.double() @ other.double().T
    products: np.ndarray = total.cpu().numpy()
    return products
