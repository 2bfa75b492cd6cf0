"""Cosines between gradients: on them, gradients of very different lengths lose no digits."""

from __future__ import annotations

import numpy as np
import torch

from plait.balancing.contract.info import Info


def normalise(gramian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lengths `[T]` of the gradients and the cosines `[T, T]` between them.

    Args:
        gramian: `[T, T]` with a positive diagonal.

    Example:
        >>> norms, cosines = normalise(np.array([[4.0, -1.0], [-1.0, 1.0]]))
        >>> norms.tolist(), cosines[0].tolist()
        ([2.0, 1.0], [1.0, -0.5])
    """
    norms = np.sqrt(gramian.diagonal())
    return norms, gramian / (norms[:, None] * norms)


def rounding(info: Info, tasks: int) -> float:
    """Returns the relative error of the cosines of T `tasks`, T times eps of their dtype.

    Where they are more exact than the gradients, the square of a length that is rounding in these
    counts as well.
    """
    products = tasks * float(torch.finfo(info.dtype).eps)
    if info.rows is None:
        return products
    return max(products, (tasks * float(torch.finfo(info.rows).eps)) ** 2)
