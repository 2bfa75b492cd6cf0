"""Inner products of the tasks' gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

CHUNK = 1 << 20  # columns in one call; bounds the memory for a wider copy of half-precision rows
BLOCK = 1 << 10  # columns in one product, which then stays in the cache; bounds its float32 error
TILE = 12  # rows in one product: tiles leave most of the upper triangle out


def gramian(jacobian: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Returns ``G = J J^T``, `[T, T]`, float64, on the device of J `[T, P]`.

    Blocks of columns are multiplied in the dtype of J, in `dtype` at least, and summed in float64.
    Half precision would overflow; single precision loses squares of lengths below 1e-12 or above
    1e19, which ``dtype=torch.float64`` holds. The result is exactly symmetric. Many short products
    take a fraction of the time of one product of a few long rows.

    Example:
        >>> gramian(torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[25.,  4.],
                [ 4.,  1.]], dtype=torch.float64)
    """
    tasks = len(jacobian)
    total = torch.zeros(tasks, tasks, dtype=torch.float64, device=jacobian.device)
    for blocks in _blocks(jacobian, dtype):
        if tasks <= TILE:
            total += (blocks @ blocks.mT).sum(dim=0, dtype=torch.float64)
            continue
        for top in range(0, tasks, TILE):
            rows, columns = slice(top, top + TILE), slice(0, top + TILE)
            products = blocks[:, rows] @ blocks[:, columns].mT
            total[rows, columns] += products.sum(dim=0, dtype=torch.float64)
    return total.tril() + total.tril(-1).T


def cross_gramian(first: Tensor, second: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Returns ``J_1 J_2^T``, `[T, T]`, float64, of two matrices `[T, P]`; computed as `gramian` is.

    Example:
        >>> cross_gramian(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, -1.0]]))
        tensor([[-1.]], dtype=torch.float64)
    """
    total = torch.zeros(len(first), len(second), dtype=torch.float64, device=first.device)
    for one, other in zip(_blocks(first, dtype), _blocks(second, dtype), strict=True):
        total += (one @ other.mT).sum(dim=0, dtype=torch.float64)
    return total


def _blocks(jacobian: Tensor, least: torch.dtype) -> Iterator[Tensor]:
    """Yields the columns in blocks of equal width, `[blocks, T, columns]`."""
    wide = torch.promote_types(jacobian.dtype, least)
    for start in range(0, jacobian.shape[1], CHUNK):
        chunk = jacobian[:, start : start + CHUNK].to(wide)
        count = chunk.shape[1] // BLOCK
        if count:
            yield chunk[:, : count * BLOCK].view(len(chunk), count, BLOCK).transpose(0, 1)
        if count * BLOCK < chunk.shape[1]:
            yield chunk[None, :, count * BLOCK :]


def norms_and_cosines(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the norms `[T]` and cosines `[T, T]` of the rows behind a Gramian; 0 for a zero row.

    Args:
        matrix: the Gramian `[T, T]`.

    Example:
        >>> norms, cosines = norms_and_cosines(np.array([[25.0, 4.0], [4.0, 1.0]]))
        >>> norms.tolist(), cosines[0].tolist()
        ([5.0, 1.0], [1.0, 0.8])
    """
    norms = np.sqrt(np.diag(matrix).clip(min=0))
    safe = np.where(norms > 0, norms, 1.0)
    return norms, np.clip(matrix / np.outer(safe, safe), -1.0, 1.0)
