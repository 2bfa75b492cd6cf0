"""Invariants of the Gramian methods; `properties.py` says which hold for which."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.balancing.gramians import Jacobian, jacobians, scales
from tests.balancing.properties import PROMISES, Promise

every_method = pytest.mark.parametrize("promise", PROMISES.values(), ids=PROMISES)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40)
TOLERANCE = 1e-7  # of d: the square root of what the Gramian's rounding leaves of null vectors


def having(**attributes: object) -> pytest.MarkDecorator:
    """The methods with these promises; a tuple lists what is allowed."""
    chosen = {
        name: promise
        for name, promise in PROMISES.items()
        if all(
            getattr(promise, key) in (value if isinstance(value, tuple) else (value,))
            for key, value in attributes.items()
        )
    }
    assert chosen
    return pytest.mark.parametrize("promise", chosen.values(), ids=chosen)


def regular(seed: int) -> Jacobian:
    """Rows that are independent, conflicts among them, of lengths up to ten times each other."""
    rng = np.random.default_rng(seed)
    tasks = int(rng.integers(2, 7))
    rows = rng.standard_normal((tasks, tasks + 3)) - 0.5 * rng.standard_normal(tasks + 3)
    found: Jacobian = rows * rng.uniform(1, 10, (tasks, 1))
    return found


def drawn(promise: Promise, data: st.DataObject) -> Jacobian:
    """Any rows for a continuous method; independent ones for the others."""
    if promise.continuous:
        return data.draw(jacobians())
    return regular(data.draw(seeds))


def same(found: np.ndarray, expected: np.ndarray, size: float) -> None:
    np.testing.assert_allclose(found / size, expected / size, rtol=0, atol=TOLERANCE)


def size_of(promise: Promise, jacobian: Jacobian) -> float:
    """What an error of d is measured by."""
    if promise.degree == 1:
        return float(np.linalg.norm(jacobian, axis=1).max()) or 1.0
    return float(np.linalg.norm(promise.direction(jacobian))) or 1.0


@every_method
@few
@given(data=st.data())
def test_the_order_of_the_rows_does_not_matter(promise: Promise, data: st.DataObject) -> None:
    jacobian = drawn(promise, data)
    order = np.random.default_rng(data.draw(seeds)).permutation(len(jacobian))
    found = promise.direction(jacobian[order])
    same(found, promise.direction(jacobian), size_of(promise, jacobian))


@every_method
@few
@given(data=st.data(), scale=scales())
def test_a_common_factor_is_a_power_in_the_direction(
    promise: Promise, data: st.DataObject, scale: float
) -> None:
    jacobian = drawn(promise, data)
    found = promise.direction(scale * jacobian) / scale**promise.degree
    same(found, promise.direction(jacobian), size_of(promise, jacobian))


@every_method
@few
@given(data=st.data())
def test_a_rotation_of_the_parameters_rotates_the_direction(
    promise: Promise, data: st.DataObject
) -> None:
    jacobian = drawn(promise, data)
    columns = jacobian.shape[1]
    square = np.random.default_rng(data.draw(seeds)).standard_normal((columns, columns))
    rotation = np.linalg.qr(square)[0]
    found = promise.direction(jacobian @ rotation)
    same(found, promise.direction(jacobian) @ rotation, size_of(promise, jacobian))


@having(by_rows="not")
@few
@given(seed=seeds)
def test_factors_of_the_rows_change_nothing(promise: Promise, seed: int) -> None:
    jacobian = regular(seed)
    factors = 10 ** np.random.default_rng(seed).uniform(-6, 6, (len(jacobian), 1))
    expected = promise.direction(jacobian)
    same(promise.direction(factors * jacobian), expected, size_of(promise, jacobian))


@having(by_rows="length")
@few
@given(seed=seeds)
def test_factors_of_the_rows_change_the_length_alone(promise: Promise, seed: int) -> None:
    jacobian = regular(seed)
    factors = 10 ** np.random.default_rng(seed).uniform(-1, 1, (len(jacobian), 1))
    one, two = promise.direction(jacobian), promise.direction(factors * jacobian)
    same(two / np.linalg.norm(two), one / np.linalg.norm(one), 1.0)


@having(by_rows="linear")
@few
@given(jacobian=jacobians(), seed=seeds)
def test_the_direction_is_linear_in_factors_of_the_rows(
    promise: Promise, jacobian: Jacobian, seed: int
) -> None:
    one, two = np.random.default_rng(seed).uniform(0.1, 10, (2, len(jacobian), 1))
    parts = promise.direction(one * jacobian) + promise.direction(two * jacobian)
    found = promise.direction((one + two) * jacobian)
    same(found, parts, 20 * size_of(promise, jacobian))


@having(by_rows=None)
def test_factors_of_the_rows_do_change_the_direction_of_the_others(promise: Promise) -> None:
    jacobian = np.array([[1.0, 0.2, 0.0], [-0.5, 1.0, 0.0], [0.3, -0.4, 1.0]])
    factors = np.array([[1.0], [3.0], [0.2]])
    one, two = promise.direction(jacobian), promise.direction(factors * jacobian)
    cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert cosine < 0.999


@every_method
@few
@given(seed=seeds, scale=scales())
def test_a_single_task(promise: Promise, seed: int, scale: float) -> None:
    gradient = scale * np.random.default_rng(seed).standard_normal((1, 5))
    expected = promise.one_task(gradient[0])
    np.testing.assert_allclose(promise.direction(gradient), expected, rtol=1e-12)


@having(benign=("mean", "sum"))
@few
@given(jacobian=jacobians(), scale=scales())
def test_without_conflict_it_is_the_mean_or_the_sum(
    promise: Promise, jacobian: Jacobian, scale: float
) -> None:
    agreeing = scale * np.abs(jacobian)
    share = 1 / len(agreeing) if promise.benign == "mean" else 1.0
    expected = share * agreeing.any(axis=1)
    np.testing.assert_allclose(promise.weights(agreeing), expected, rtol=1e-12)


@having(stops=True)
@few
@given(seed=seeds, scale=scales())
def test_stops_where_all_rows_cancel(promise: Promise, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((int(rng.integers(2, 6)), 7))
    shares = rng.uniform(0.2, 1, len(rows))
    rows[-1] = -(shares[:-1] @ rows[:-1]) / shares[-1]
    found = promise.direction(scale * rows)
    assert np.linalg.norm(found) <= TOLERANCE * scale**promise.degree


@having(descends=True)
@few
@given(data=st.data(), scale=scales())
def test_makes_no_task_worse(promise: Promise, data: st.DataObject, scale: float) -> None:
    rows = scale * drawn(promise, data)
    found, norms = promise.direction(rows), np.linalg.norm(rows, axis=1)
    size = size_of(promise, rows)
    assert (rows @ found >= -TOLERANCE * norms * size).all()


@every_method
@few
@given(jacobian=jacobians(max_tasks=8, spread=3), scale=scales())
def test_any_rows_give_finite_weights(promise: Promise, jacobian: Jacobian, scale: float) -> None:
    rows = scale * jacobian
    weights = promise.weights(rows)
    assert np.isfinite(weights).all()
    assert (weights >= 0).all() or not promise.nonnegative
    assert (weights[~rows.any(axis=1)] == 0).all()


@every_method
@few
@given(data=st.data())
def test_a_task_that_comes_twice_does_no_harm(promise: Promise, data: st.DataObject) -> None:
    jacobian = drawn(promise, data)
    assume(jacobian.any())
    doubled = np.concatenate([jacobian, jacobian[:1]])
    direction = promise.direction(doubled)
    assert np.isfinite(direction).all()
    assert np.linalg.norm(direction) <= 10 * max(size_of(promise, jacobian), 1e-300)
