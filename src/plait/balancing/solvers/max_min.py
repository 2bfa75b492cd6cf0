"""The point of a ball with the largest least inner product."""

from __future__ import annotations

import numpy as np

from plait.balancing.solvers.nnls import nnls

ROUNDS = 100  # 2 to 4 are the rule
SAME = 1e-12  # relative change of the total below which the support has not changed
FURTHER = 4.0  # factor of the search for an upper end


def max_min(
    matrix: np.ndarray,
    units: np.ndarray,
    inner: np.ndarray,
    square: float,
    radius: float,
    rounding: float = 0.0,
) -> tuple[np.ndarray, bool]:
    """Returns y >= 0 such that ``d = h + U^T y`` has the largest ``min_i u_i^T d / a_i`` in a ball.

    The ball is ``|d - h| <= r``. With mu the least gain, y is optimal if

        u_i^T d = mu a_i  where y_i > 0,    u_i^T d >= mu a_i  elsewhere,    |U^T y| = r

    For a fixed total ``a^T y = rho``, y / rho are the weights of the shortest vector in the hull of
    the u_i / a_i + h / rho; |U^T y| grows with rho. For a fixed support, y is linear in rho and the
    rho of the radius is a square root. So: solve for some rho, take the support, jump to the rho of
    this support, until the support stays; then the answer is exact. Brackets make sure that the
    search ends.

    Args:
        matrix: U U^T, `[n, n]`, float64, with a diagonal of 1.
        units: a, in (0, 1], `[n]`.
        inner: U h, `[n]`.
        square: |h|^2, positive.
        radius: r, positive.
        rounding: relative error of the matrix.

    Returns:
        y, and whether the rows have 0 in their hull while the ball holds points that lower none of
        the inner products below 0: then mu = 0 and y is one of many.
    """
    outer, cross = units[:, None] * units, units[:, None] * inner
    cross = cross + cross.T
    bordered = matrix + outer
    null = 4 * max(rounding, len(units) * np.finfo(float).eps)
    low, high = 0.0, np.inf
    free = np.ones(len(units), dtype=bool)
    total = radius * float(units.sum()) / len(units) ** 0.5  # all alike and orthogonal
    for _ in range(ROUNDS):
        shifted = matrix + cross / total + (1 + square / total**2) * outer
        y = nnls(shifted, units, rounding, start=free)
        y *= total / (units @ y)
        free = y > 0
        base, along = _line(bordered, units, inner, free)
        rest = radius**2 - base @ matrix @ base
        growth = along @ matrix @ along
        inside = y @ matrix @ y < radius**2
        low, high = (total, high) if inside else (low, total)
        if growth <= null * np.abs(along).sum() ** 2:
            if inside and (along >= 0).all():
                return y, True
            jump = np.inf
        else:
            jump = float(np.sqrt(max(rest, 0.0) / growth))
        if abs(jump - total) <= SAME * total:
            break
        if not low < jump < high:
            jump = FURTHER * low if high == np.inf else max(np.sqrt(low * high), high / FURTHER**5)
        total = float(jump)
    return y, False


def _line(
    bordered: np.ndarray, units: np.ndarray, inner: np.ndarray, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns ``(y_0, y_1)``: if exactly the free rows count, y = y_0 + rho y_1 solves for rho."""
    chosen = np.flatnonzero(free)
    sides = np.stack([units[chosen], inner[chosen]], axis=1)
    solved = np.linalg.solve(bordered[chosen][:, chosen], sides)
    base, along = np.zeros(len(units)), np.zeros(len(units))
    along[chosen] = solved[:, 0] / (units[chosen] @ solved[:, 0])
    base[chosen] = along[chosen] * (units[chosen] @ solved[:, 1]) - solved[:, 1]
    return base, along
