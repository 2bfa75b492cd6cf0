"""Degenerate inputs, and what has to come out; `properties.py` has the answers of each method."""

import math

import numpy as np
import pytest
import torch

from plait.core.errors import NonFiniteError
from tests.balancing.properties import PROMISES, Promise

every_method = pytest.mark.parametrize("promise", PROMISES.values(), ids=PROMISES)
GRADIENT = np.array([3.0, -1.0, 2.0])
ANGLES = 2 * np.pi / 3 * np.arange(3)
STAR = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1) * np.array([[1.0], [2.0], [0.5]])

INPUTS = {
    "equal": np.stack([GRADIENT] * 3),
    "opposite": np.stack([GRADIENT, -3 * GRADIENT]),
    "around zero": STAR,  # 0 is inside of the triangle
}
CASES = [
    pytest.param(promise, kind, id=f"{name}-{kind}")
    for name, promise in PROMISES.items()
    for kind in promise.degenerate
]


@pytest.mark.parametrize(("promise", "kind"), CASES)
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_degenerate_input(promise: Promise, kind: str, scale: float) -> None:
    jacobian = scale * INPUTS[kind]
    expected = promise.degenerate[kind](jacobian)
    size = scale**promise.degree
    found = promise.direction(jacobian)
    np.testing.assert_allclose(found / size, expected / size, rtol=0, atol=1e-7)


@every_method
def test_every_method_is_tried_on_equal_and_on_opposite_gradients(promise: Promise) -> None:
    assert {"equal", "opposite"} <= set(promise.degenerate) <= set(INPUTS)


@every_method
def test_gradients_of_zero_have_no_weight(promise: Promise) -> None:
    assert not promise.weights(np.zeros((3, 4))).any()
    one = np.zeros((3, 4))
    one[1] = 2.0
    assert (promise.weights(one) > 0).tolist() == [False, True, False]


@every_method
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_more_tasks_than_parameters(promise: Promise, columns: int) -> None:
    """Rows that agree in one direction, so that none of the methods has nothing to do."""
    rng = np.random.default_rng(columns)
    rows = rng.standard_normal((7, columns))
    rows *= np.sign(rows[:, :1])
    rows[:, 0] += 0.5
    found = promise.direction(rows)
    moves = promise.dependent or columns == 1  # gradients of one direction agree in any case
    assert (np.linalg.norm(found) > 1e-3) == moves
    if promise.descends:
        assert (rows @ found >= -1e-7 * np.linalg.norm(rows, axis=1) * np.linalg.norm(found)).all()
    shuffled = rng.permutation(7)
    again = promise.direction(rows[shuffled])
    np.testing.assert_allclose(again, found, rtol=0, atol=1e-7 * np.linalg.norm(found))


@every_method
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(promise: Promise, value: float) -> None:
    gramian = torch.eye(3, dtype=torch.float64)
    gramian[2, 2] = value
    with pytest.raises(NonFiniteError, match="task '2' is not finite"):
        promise.make().weights(gramian)
