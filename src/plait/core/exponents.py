"""Numbers whose squares are outside the exponents of single precision.

Single precision holds numbers down to 1e-45 and up to 3e38, and their squares only from lengths of
about 1e-15 to 1e19. In between nothing is lost, and products are taken in single precision; what is
outside is found on the host, where the products are read in any case, and is then multiplied again
in double precision, which holds all of these squares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from torch import Tensor

LONG = 1e19  # of a length: single precision holds its square
SHORT = 1e-12  # of a length: all squares that count in it are normal numbers, up to 1e8 of them
LARGEST, SMALLEST = 1e37, 1e-37  # of a factor: a normal number of single precision


def outside(lengths: np.ndarray) -> np.ndarray:
    """Tells which lengths single precision may have measured wrong, in the shape of `lengths`.

    So may be 0, for squares that have vanished, infinity, for those that overflow, and NaN.

    Example:
        >>> outside(np.array([0.0, 1e-20, 1.0, 1e19, np.inf])).tolist()
        [True, True, False, True, True]
    """
    result: np.ndarray = ~((lengths > SHORT) & (lengths < LONG))
    return result


def mended(found: np.ndarray, lost: np.ndarray, again: Callable[[], Tensor]) -> np.ndarray:
    """Returns `found` with its entries where `lost` is True computed again, in double precision.

    Args:
        found: what single precision gave, on the host, float64.
        lost: bool, in the shape of `found`.
        again: computes all of it in double precision; called only if something is lost, and the
            device is then waited for once more.
    """
    return np.where(lost, again().cpu().numpy(), found) if lost.any() else found


def lost_products(gramian: np.ndarray) -> np.ndarray:
    """Tells which inner products of a Gramian `[..., T, T]` are outside: those with such a row."""
    squares = np.diagonal(gramian, axis1=-2, axis2=-1)
    rows = outside(np.sqrt(np.maximum(squares, 0.0)))
    result: np.ndarray = rows[..., :, None] | rows[..., None, :]
    return result


def are_extreme(weights: Iterable[float]) -> bool:
    """Returns whether single precision loses digits of a weight, which it may yet hold times a row.

    Example:
        >>> are_extreme([1.0, 0.0]), are_extreme([1.0, 1e-41])
        (False, True)
    """
    return any(each and not SMALLEST < abs(each) < LARGEST for each in weights)


def weighted(weights: Tensor, rows: Tensor, *, extreme: bool = False) -> Tensor:
    """Returns ``w^T J`` `[P]` of weights `[T]` and rows `[T, P]`, in the dtype of the rows.

    Args:
        weights: float64 where they are extreme.
        rows: of any precision.
        extreme: whether the sum is taken in double precision; see `are_extreme`.
    """
    if extreme:
        return (weights.to(rows.device) @ rows.double()).to(rows.dtype)
    return weights.to(rows) @ rows
