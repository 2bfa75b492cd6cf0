"""Fits of a change of the parameters to the examples of several tasks: squared and logistic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.relations.conflict import Floats
from plait.relations.task_gradients import TaskGradients

STEPS = 100  # of Newton's method, which takes about ten
DONE = 1e-13  # decrease of the objective, relative to it, after which it has arrived
FAST = 0.1  # of the last decrease: slower than that, the curvature is computed anew


def fit(tasks: Sequence[TaskGradients], weights: Sequence[float], ridge: float) -> Floats:
    """Returns the change d `[k]` of the parameters that is best for the tasks together.

        minimise 1/|S| sum_(t in S) w_t mean_n loss_t(v_n + f_n . d) + ridge |d|^2

    by Newton's method; one step of it where all losses are squared. The curvature is that at d = 0,
    which all groups have in common, as long as the steps arrive fast.

    Args:
        tasks: the tasks in S, one or more.
        weights: w, one a task.
        ridge: above 0, or 0 for squared losses alone: then the shortest of the best changes.
    """
    change = np.zeros(tasks[0].features.shape[1])
    factors = [weight / len(tasks) for weight in weights]
    pairs = list(zip(factors, tasks, strict=True))

    def objective(change: Floats) -> float:
        return sum(f * task.mean_loss(change) for f, task in pairs) + ridge * float(change @ change)

    def curvature(at: Floats | None) -> _Solver:
        total = sum(f * (t.at_rest if at is None else t.curvature(at)) for f, t in pairs)
        return _Solver(total + 2 * ridge * np.eye(len(change)))

    value, solver, last = objective(change), curvature(None), np.inf
    squared = all(task.kind == "squared" for task in tasks)
    for _ in range(STEPS):
        slope = 2 * ridge * change + sum(f * task.slope(change) for f, task in pairs)
        step = -solver(slope)
        expected = -float(slope @ step)
        if expected > FAST * last and not squared:
            solver = curvature(change)
            step = -solver(slope)
            expected = -float(slope @ step)
        if expected <= DONE * max(abs(value), DONE):
            break
        size, new = 1.0, objective(change + step)
        while new > value - 1e-4 * size * expected and size > 1e-8:
            size /= 2
            new = objective(change + size * step)
        if new >= value:
            break
        change, value, last = change + size * step, new, expected
    return change


class _Solver:
    """Solves systems of one symmetric matrix, by the shortest solution where there are many."""

    def __init__(self, matrix: Floats) -> None:
        values, vectors = np.linalg.eigh(matrix)
        kept = values > 1e-12 * max(float(values[-1]), 0.0)
        self._inverse = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
        self._vectors = vectors

    def __call__(self, vector: Floats) -> Floats:
        found: Floats = self._vectors @ (self._inverse * (self._vectors.T @ vector))
        return found
