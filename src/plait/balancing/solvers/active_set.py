"""Non-negative least squares one variable at a time: slower, and sure for singular matrices."""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-12  # relative; what float64 normal equations can tell from rounding
PIVOTS = 100  # per variable; a few are the rule


def active_set(matrix: np.ndarray, target: np.ndarray, rounding: float = 0.0) -> np.ndarray:
    """Returns an exact minimiser over x >= 0 of ``x^T M x / 2 - q^T x``.

    Start from x = 0; free the variable with the largest positive gradient of the residual; solve
    for the free variables; while one of them is not positive, step back to the boundary and bind
    it. Variables whose column depends on the free ones are never freed, so a singular M needs no
    regularisation. Finite, because the objective falls at every change of the set.

    Args:
        matrix: M, symmetric positive semi-definite `[n, n]`, float64, scaled so that its diagonal
            is about 1 (tolerances are relative to that and to `target`).
        target: q, `[n]`, in the range of M.
        rounding: relative error of M. What is dependent up to it counts as dependent, so that the
            solution does not grow with the inverse of noise.

    Reference: Lawson, Hanson, "Solving Least Squares Problems", 1974, chapter 23; on the normal
        equations: Bro, de Jong, "A fast non-negativity-constrained least squares algorithm",
        Journal of Chemometrics, 1997.
    """
    count = len(target)
    x = np.zeros(count)
    passive = _Passive(matrix, target)
    refused = np.zeros(count, dtype=bool)
    tolerance = max(rounding, TOLERANCE)
    scale = np.abs(target).max(initial=0.0)
    if scale == 0.0:
        return x
    gradient = target.copy()
    for _ in range(PIVOTS * count):  # rounding may go round in circles among equally good sets
        barred = refused.copy()
        barred[passive.chosen] = True
        candidates = np.where(barred, -np.inf, gradient)
        entering = int(candidates.argmax())
        if not candidates[entering] > tolerance * scale:
            break
        if not passive.add(entering, tolerance):
            refused[entering] = True
            continue
        x = _settle(passive, x)
        if entering in passive.chosen:
            refused[:] = False
        else:  # its gradient was rounding: without this the same variable would enter for ever
            refused[entering] = True
        gradient = target - matrix @ x
    return x


def _settle(passive: _Passive, x: np.ndarray) -> np.ndarray:
    """Minimises over the free variables and binds those that would turn negative."""
    while passive.chosen:
        trial = passive.solution()
        leaving = [i for i in passive.chosen if trial[i] <= 0]
        if not leaving:
            return trial
        start, end = x[leaving], trial[leaving]
        steps = np.divide(start, start - end, out=np.zeros(len(leaving)), where=start > 0)
        x = x + steps.min() * (trial - x)
        # Only what turned negative is bound: the entering variable stays even after a step of zero
        bound = x[leaving] <= TOLERANCE * np.abs(x).max()
        bound[steps.argmin()] = True
        for position in np.flatnonzero(bound):
            passive.remove(leaving[position])
            x[leaving[position]] = 0.0
    return x


class _Passive:
    """The free variables, with the inverse of their matrix, brought up to date at each change."""

    def __init__(self, matrix: np.ndarray, target: np.ndarray) -> None:
        self.matrix = matrix
        self.target = target
        self.chosen: list[int] = []
        self.inverse = np.empty((0, 0))

    def add(self, entering: int, tolerance: float) -> bool:
        """Frees a variable, unless its column is, to rounding, a combination of the free ones."""
        column = self.matrix[self.chosen, entering]
        combination = self.inverse @ column
        rest = self.matrix[entering, entering] - column @ combination
        if rest <= tolerance * self.matrix[entering, entering]:
            return False
        border = np.append(-combination, 1.0)
        grown = np.outer(border, border / rest)
        grown[:-1, :-1] += self.inverse
        self.inverse = grown
        self.chosen.append(entering)
        return True

    def remove(self, leaving: int) -> None:
        """Binds a variable."""
        position = self.chosen.index(leaving)
        del self.chosen[position]
        kept = np.arange(len(self.inverse)) != position
        border = self.inverse[position, kept]
        pivot = self.inverse[position, position]
        self.inverse = self.inverse[kept][:, kept] - np.outer(border, border / pivot)

    def solution(self) -> np.ndarray:
        """Returns the minimiser over the free variables, with zeros for the bound ones."""
        block = self.matrix[self.chosen][:, self.chosen]
        target = self.target[self.chosen]
        found = self.inverse @ target
        found += self.inverse @ (target - block @ found)  # what the updates have lost
        x = np.zeros(len(self.target))
        x[self.chosen] = found
        return x
