"""Fits against closed forms and against SciPy's minimiser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from plait.relations import TaskGradients
from plait.relations.fits import fit


def task(seed: int, kind: str, rows: int = 12, columns: int = 4) -> TaskGradients:
    random = np.random.default_rng(seed)
    return TaskGradients(
        kind,
        2 * random.normal(size=rows),
        random.normal(size=(rows, columns)),
        random.uniform(0.5, 2, size=rows),
        np.arange(rows),
    )


def test_squared_losses_have_a_closed_form() -> None:
    tasks, weights, ridge = [task(0, "squared"), task(1, "squared")], [1.0, 3.0], 0.1
    left, right = ridge * np.eye(4), np.zeros(4)
    for each, weight in zip(tasks, weights, strict=True):
        scaled = each.features.T * each.masses / each.masses.sum() * weight / 2
        left += scaled @ each.features
        right += scaled @ each.scores
    np.testing.assert_allclose(fit(tasks, weights, ridge), -np.linalg.solve(left, right))


def test_without_a_ridge_the_shortest_of_the_best() -> None:
    made = task(0, "squared", rows=3, columns=5)
    found = fit([made], [1.0], 0.0)
    np.testing.assert_allclose(found, -np.linalg.pinv(made.features) @ made.scores, rtol=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(1e-4, 1.0))
def test_other_losses_are_minimised(seed: int, ridge: float) -> None:
    tasks = [task(seed, "logistic"), task(seed + 1, "squared"), task(seed + 2, "logistic")]
    weights = [1.0, 0.5, 2.0]

    def objective(change: np.ndarray) -> float:
        terms = (w * t.mean_loss(change) for t, w in zip(tasks, weights, strict=True))
        return sum(terms) / 3 + ridge * float(change @ change)

    found = fit(tasks, weights, ridge)
    best = minimize(objective, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
    assert objective(found) == pytest.approx(best.fun, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(found, best.x, atol=1e-4)


def test_far_from_rest_the_curvature_is_computed_anew() -> None:
    """All examples are very wrong at first, where the loss is nearly flat in curvature."""
    made = TaskGradients(
        "logistic", np.full(6, -30.0), np.eye(6)[:, :3] + 1.0, np.ones(6), np.arange(6)
    )
    change = fit([made], [1.0], 1e-6)
    slope = made.slope(change) + 2e-6 * change
    assert np.abs(slope).max() < 1e-6
