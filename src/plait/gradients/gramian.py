"""Inner products of the tasks' gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BLOCK = 1 << 20  # columns; bounds the float32 error of one product and the float64 memory to none


def gramian(jacobian: Tensor) -> Tensor:
    """Returns ``G = J J^T``, `[T, T]`, float64, on the device of J `[T, P]`.

    Each block of columns is multiplied in the dtype of J, or in float32 if that is a half-precision
    one, whose squares would overflow; the blocks are summed in float64. The two triangles are made
    equal.

    Example:
        >>> gramian(torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[25.,  4.],
                [ 4.,  1.]], dtype=torch.float64)
    """
    total = cross_gramian(jacobian, jacobian)
    return (total + total.T) / 2


def cross_gramian(first: Tensor, second: Tensor) -> Tensor:
    """Returns ``J_1 J_2^T``, `[T, T]`, float64, computed as in `gramian`.

    Example:
        >>> cross_gramian(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, -1.0]]))
        tensor([[-1.]], dtype=torch.float64)
    """
    total = torch.zeros(len(first), len(second), dtype=torch.float64, device=first.device)
    wide = torch.promote_types(first.dtype, torch.float32)
    for start in range(0, first.shape[1], BLOCK):
        columns = slice(start, start + BLOCK)
        total += (first[:, columns].to(wide) @ second[:, columns].to(wide).T).double()
    return total


def norms_and_cosines(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the norms `[T]` and cosines `[T, T]` of the rows behind a Gramian; 0 for a zero row.

    Example:
        >>> norms, cosines = norms_and_cosines(np.array([[25.0, 4.0], [4.0, 1.0]]))
        >>> norms.tolist(), cosines[0].tolist()
        ([5.0, 1.0], [1.0, 0.8])
    """
    norms = np.sqrt(np.diag(matrix).clip(min=0))
    safe = np.where(norms > 0, norms, 1.0)
    return norms, np.clip(matrix / np.outer(safe, safe), -1.0, 1.0)
