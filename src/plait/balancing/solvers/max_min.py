"""The point of a ball with the largest least inner product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plait.balancing.solvers.min_norm import zero_in_hull
from plait.balancing.solvers.nnls import nnls

PIVOTS = 12  # 2 to 4 are the rule, more mean that it goes in circles
ROUNDS = 100  # of the search; 3 to 5 are the rule
CLOSE = 1e-10  # relative difference of a length from the radius at which the search ends
LEAST = 2e-12  # what counts as length at least: a matrix that is regular to `nnls`
SAME = 1e-12  # relative; what float64 can tell from rounding
EQUAL = 1e-9  # relative difference of the gains of the support that float64 may leave
SURE = 1e-3  # of r^2: what rounding may hide in the length of an answer that is taken as it is


def max_min(
    matrix: np.ndarray,
    units: np.ndarray,
    inner: np.ndarray,
    radius: float,
    rounding: float = 0.0,
) -> tuple[np.ndarray, bool]:
    """Returns y >= 0 for which ``d = h + U^T y`` has the largest ``min_i u_i^T d / a_i`` in a ball.

    The ball is ``|d - h| <= r``. With mu the least gain, y is optimal if

        u_i^T d = mu a_i  where y_i > 0,    u_i^T d >= mu a_i  elsewhere,    |U^T y| = r

    For a fixed support, y is linear in its total ``rho = a^T y``, and the rho of the radius is a
    square root. So the answer is exact once the support is known. Two ways to it: block pivoting
    (start from all, drop what is negative, add what gains too little), which the conditions above
    certify; and, where that goes in circles or rows are dependent, a search over mu.

    Rows that nearly cancel ask for a y so large that ``|U^T y|`` is lost in the rounding of the
    matrix. The search therefore counts what rounding may hide as length, ``y^T (U U^T + 4 e I) y``
    with e the relative error, and d is in the ball all the same.

    Args:
        matrix: U U^T, `[n, n]`, float64, with a diagonal of 1.
        units: a, in (0, 1], `[n]`.
        inner: U h, `[n]`.
        radius: r, positive.
        rounding: relative error of the matrix.

    Returns:
        y, and whether the rows have 0 in their hull while the ball reaches where no inner product
        is negative: mu is 0 then, and d one of many.
    """
    problem = _Ball(matrix, units, inner, radius, rounding)
    y = problem.pivot()
    return problem.search() if y is None or not problem.holds(y) else (y, False)


@dataclass(frozen=True)
class _Ball:
    """The arguments of `max_min`."""

    matrix: np.ndarray
    units: np.ndarray
    inner: np.ndarray
    radius: float
    rounding: float

    @property
    def null(self) -> float:
        """The square of a length, for coefficients of about 1, that may be rounding."""
        return 4 * max(self.rounding, len(self.units) * float(np.finfo(float).eps))

    def holds(self, y: np.ndarray) -> bool:
        """Tells whether d is in the ball, whatever the rounding of the matrix hides."""
        longest = y @ self.matrix @ y + self.null / 4 * (y @ y)
        return bool(longest <= (1 + SURE) * self.radius**2)

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
        """Returns y by a bracketed search over the least gain mu.

        The nearest d to h that gains mu is a non-negative least squares problem, and its distance
        rises with mu. From each support found on the way, the search jumps to the mu that is right
        for it. What rounding may hide counts as length.
        """
        wider = self.matrix + max(self.null, LEAST) * np.eye(len(self.units))

        def nearest(mu: float) -> tuple[np.ndarray, float]:
            # No row that wants less than -r takes part in a step of that length
            target = np.maximum(mu * self.units - self.inner, -2 * self.radius)
            y = nnls(wider, target, start=free)
            return y, float(np.sqrt(max(y @ wider @ y, 0.0)))

        free = np.ones(len(self.units), dtype=bool)
        y, length = nearest(0.0)
        if length <= self.radius and zero_in_hull(self.matrix, self.null):
            return y, True
        low = float((self.inner / self.units).min())
        high = mu = float(((self.inner + 2 * self.radius) / self.units).min())
        for _ in range(ROUNDS):
            y, length = nearest(mu)
            if abs(length - self.radius) <= CLOSE * self.radius:
                break
            low, high = (mu, high) if length < self.radius else (low, mu)
            free = y > 0
            mu = self.jump(wider, free)
            if not low < mu < high:
                mu = (low + high) / 2
        return y * (self.radius / max(length, self.radius)), False

    def jump(self, wider: np.ndarray, free: np.ndarray) -> float:
        """Returns the mu for which just the free rows count in a step of length r; NaN if none."""
        chosen = np.flatnonzero(free)
        sides = np.stack([self.units[chosen], self.inner[chosen]], axis=1)
        (aa, ah), (_, hh) = sides.T @ np.linalg.solve(wider[chosen][:, chosen], sides)
        rest = ah**2 - aa * (hh - self.radius**2)  # |U^T y|^2 = mu^2 aa - 2 mu ah + hh
        return float((ah + np.sqrt(rest)) / aa) if rest >= 0 and aa > 0 else float("nan")

    def line(self, bordered: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns ``(y_0, y_1)``: if just the free rows count, y is ``y_0 + rho y_1`` for a rho.

        ``bordered`` is ``U U^T + a a^T``, which is regular for affinely independent u_i / a_i.
        """
        chosen = np.flatnonzero(free)
        units = self.units[chosen]
        sides = np.stack([units, self.inner[chosen]], axis=1)
        solved = np.linalg.solve(bordered[chosen][:, chosen], sides)
        base, along = np.zeros((2, len(free)))
        total = units @ solved[:, 0]
        if not total > 0:
            raise np.linalg.LinAlgError
        direction = solved[:, 0] / total
        along[chosen] = direction
        base[chosen] = direction * (units @ solved[:, 1]) - solved[:, 1]
        return base, along

    def lengths(self, base: np.ndarray, along: np.ndarray) -> tuple[float, float]:
        """Returns ``r^2 - |U^T y_0|^2`` and ``|U^T y_1|^2``, 0 if it is rounding.

        The two parts of ``|U^T y|^2 = |U^T y_0|^2 + rho^2 |U^T y_1|^2`` are orthogonal.
        """
        rest = self.radius**2 - base @ self.matrix @ base
        growth = along @ self.matrix @ along
        return float(rest), float(growth) if growth > self.null * np.abs(along).sum() ** 2 else 0.0
