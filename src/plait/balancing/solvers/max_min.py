"""The point of a ball with the largest least inner product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plait.balancing.solvers.nnls import nnls

PIVOTS = 12  # 2 to 4 are the rule, more mean that it goes in circles
ROUNDS = 100  # of the search; 3 to 5 are the rule
SAME = 1e-12  # relative; what float64 can tell from rounding
EQUAL = 1e-9  # relative difference of the gains of the support that float64 may leave
FURTHER, FURTHEST = 4.0, 1e-4  # factors of the search for the ends of an interval


def max_min(
    matrix: np.ndarray,
    units: np.ndarray,
    inner: np.ndarray,
    square: float,
    radius: float,
    rounding: float = 0.0,
) -> tuple[np.ndarray, bool]:
    """Returns y >= 0 for which ``d = h + U^T y`` has the largest ``min_i u_i^T d / a_i`` in a ball.

    The ball is ``|d - h| <= r``. With mu the least gain, y is optimal if

        u_i^T d = mu a_i  where y_i > 0,    u_i^T d >= mu a_i  elsewhere,    |U^T y| = r

    For a fixed support, y is linear in its total ``rho = a^T y``, and the rho of the radius is a
    square root. So the answer is exact once the support is known. Two ways to it: block pivoting
    (start from all, drop what is negative, add what gains too little), which the conditions above
    certify; and, where that goes in circles or rows are dependent, a search over rho.

    Args:
        matrix: U U^T, `[n, n]`, float64, with a diagonal of 1.
        units: a, in (0, 1], `[n]`.
        inner: U h, `[n]`.
        square: |h|^2, positive.
        radius: r, positive.
        rounding: relative error of the matrix.

    Returns:
        y, and whether the rows have 0 in their hull while the ball reaches where no inner product
        is negative: mu is 0 then, and d one of many.
    """
    problem = _Ball(matrix, units, inner, square, radius, rounding)
    y = problem.pivot()
    return problem.search() if y is None else (y, False)


@dataclass(frozen=True)
class _Ball:
    """The arguments of `max_min`."""

    matrix: np.ndarray
    units: np.ndarray
    inner: np.ndarray
    square: float
    radius: float
    rounding: float

    def pivot(self) -> np.ndarray | None:
        """Returns y if block pivoting finds it."""
        bordered = self.matrix + self.units[:, None] * self.units
        free = np.ones(len(self.units), dtype=bool)
        for _ in range(PIVOTS):
            try:
                base, along = self.line(bordered, free)
            except np.linalg.LinAlgError:
                return None
            rest, growth = self.lengths(base, along)
            if growth == 0:
                return None
            # Where the radius is too small for this support, the total of a base of 0 tells what
            # to drop from it
            total = np.sqrt((rest if rest > 0 else self.radius**2) / growth)
            y = base + total * along
            gain = self.matrix @ y + self.inner
            least = along @ gain
            more = gain - least * self.units
            size = abs(least) + np.abs(self.inner).max()
            wrong = np.where(free, y < 0, more < -SAME * size)
            if not wrong.any():
                exact = rest > 0 and np.abs(more[free]).max() <= EQUAL * size  # if M is regular
                return y if exact else None
            free = free ^ wrong
            if not free.any():
                return None
        return None

    def search(self) -> tuple[np.ndarray, bool]:
        """Returns y by a bracketed search over its total.

        For a fixed total rho, y / rho are the weights of the shortest vector in the hull of the
        ``u_i / a_i + h / rho``, and |U^T y| grows with rho. From each support found on the way, the
        search jumps to the rho that is right for it.
        """
        outer, cross = self.units[:, None] * self.units, self.units[:, None] * self.inner
        cross = cross + cross.T
        low, high = 0.0, np.inf
        free = np.ones(len(self.units), dtype=bool)
        total = self.radius * float(self.units.sum()) / len(self.units) ** 0.5
        for _ in range(ROUNDS):
            # The last term is any weight of the constraint; that of the shift keeps both apart
            shift = self.square / total**2
            shifted = self.matrix + cross / total + shift * outer + (1 + shift) * outer
            y = nnls(shifted, self.units, self.rounding, start=free)
            y *= total / (self.units @ y)
            free = y > 0
            base, along = self.line(self.matrix + outer, free)
            rest, growth = self.lengths(base, along)
            inside = y @ self.matrix @ y < self.radius**2
            low, high = (total, high) if inside else (low, total)
            jump = np.inf
            if growth > 0:
                jump = float(np.sqrt(max(rest, 0.0) / growth))
            elif inside and (along >= -SAME * along.max()).all():
                return y, True
            if abs(jump - total) <= SAME * total:
                break
            if not low < jump < high:
                middle = (max(low, FURTHEST * high) * high) ** 0.5
                jump = FURTHER * low if high == np.inf else middle
            total = jump
        return y, False

    def line(self, bordered: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns ``(y_0, y_1)``: if just the free rows count, y is ``y_0 + rho y_1`` for a rho.

        ``bordered`` is ``U U^T + a a^T``, which is regular for affinely independent u_i / a_i.
        """
        chosen = np.flatnonzero(free)
        units = self.units[chosen]
        sides = np.stack([units, self.inner[chosen]], axis=1)
        solved = np.linalg.solve(bordered[chosen][:, chosen], sides)
        base, along = np.zeros((2, len(free)))
        direction = solved[:, 0] / (units @ solved[:, 0])
        along[chosen] = direction
        base[chosen] = direction * (units @ solved[:, 1]) - solved[:, 1]
        return base, along

    def lengths(self, base: np.ndarray, along: np.ndarray) -> tuple[float, float]:
        """Returns ``r^2 - |U^T y_0|^2`` and ``|U^T y_1|^2``, 0 if it is rounding.

        The two parts of ``|U^T y|^2 = |U^T y_0|^2 + rho^2 |U^T y_1|^2`` are orthogonal.
        """
        rest = self.radius**2 - base @ self.matrix @ base
        growth = along @ self.matrix @ along
        null = 4 * max(self.rounding, len(self.units) * float(np.finfo(float).eps))
        return float(rest), float(growth) if growth > null * np.abs(along).sum() ** 2 else 0.0
