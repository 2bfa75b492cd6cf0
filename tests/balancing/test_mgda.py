"""The shortest vector in the convex hull of the gradients."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import MGDA, Info
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians, scales


def weights_of(jacobian: np.ndarray, info: Info | None = None, **options: Any) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = MGDA(**options).weights(gramian, info).numpy()
    return found


def shortest_of_all_faces(jacobian: np.ndarray) -> np.ndarray:
    """The shortest point of the affine hull of any set of rows, if it lies between them."""
    best = jacobian[np.linalg.norm(jacobian, axis=1).argmin()]
    for size in range(2, len(jacobian) + 1):
        for chosen in itertools.combinations(jacobian, size):
            rows = np.array(chosen)
            edges = rows[1:] - rows[0]
            inner = -np.linalg.lstsq(edges @ edges.T, edges @ rows[0], rcond=1e-10)[0]
            w = np.concatenate([[1 - inner.sum()], inner])
            point = w @ rows
            if (w >= -1e-12).all() and np.linalg.norm(point) < np.linalg.norm(best):
                best = point
    return best


def test_two_tasks_by_hand() -> None:
    # Between (2, 0) and (0, 1) the point nearest to 0 is (0.4, 0.8)
    weights = weights_of(np.array([[2.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(weights, [0.2, 0.8], rtol=1e-14)
    # (2, 0) and (3, 1): the shorter one itself
    assert weights_of(np.array([[2.0, 0.0], [3.0, 1.0]])).tolist() == [1.0, 0.0]


@given(jacobians(min_tasks=2, max_tasks=2))
def test_two_tasks_have_a_closed_form(jacobian: np.ndarray) -> None:
    if not jacobian.any(axis=1).all():
        return
    one, two = jacobian
    square = (one - two) @ (one - two)
    share = np.clip((two - one) @ two / square, 0, 1) if square > 1e-20 else 0.5
    size = np.linalg.norm(jacobian, axis=1).max()
    expected = share * one + (1 - share) * two
    np.testing.assert_allclose(weights_of(jacobian) @ jacobian, expected, atol=1e-9 * size)


@given(jacobians(max_tasks=5))
def test_is_the_shortest_of_all_faces(jacobian: np.ndarray) -> None:
    rows = jacobian[jacobian.any(axis=1)]
    if len(rows):
        size = np.linalg.norm(rows, axis=1).max()
        found = weights_of(jacobian) @ jacobian
        np.testing.assert_allclose(found, shortest_of_all_faces(rows), atol=1e-7 * size)


@given(jacobians(max_tasks=8, spread=4), scales())
def test_every_task_gains_at_least_the_square_of_the_length(
    jacobian: np.ndarray, scale: float
) -> None:
    rows = scale * jacobian[jacobian.any(axis=1)]
    if not len(rows):
        return
    weights = weights_of(rows)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    d, norms = weights @ rows, np.linalg.norm(rows, axis=1)
    gain, tolerance = rows @ d - d @ d, 1e-7 * norms * norms.min()
    assert (gain >= -tolerance).all()
    assert (np.abs(gain) <= tolerance)[weights > 0].all()


def test_small_gradients_are_solved_for_as_exactly_as_large_ones() -> None:
    rows = np.array([[1e-6, 0.0, 0.0], [0.0, 2e-6, 0.0], [0.0, 0.0, 1e6]])
    inverse = 1 / np.linalg.norm(rows, axis=1) ** 2
    np.testing.assert_allclose(weights_of(rows), inverse / inverse.sum(), rtol=1e-12)


@given(jacobians(max_tasks=6), st.integers(0, 2**32 - 1))
def test_normalised_is_the_problem_of_the_divided_rows(jacobian: np.ndarray, seed: int) -> None:
    rows = jacobian[jacobian.any(axis=1)]
    if not len(rows):
        return
    losses = np.random.default_rng(seed).uniform(0.1, 10, len(rows))
    norms = np.linalg.norm(rows, axis=1)
    names = tuple(str(row) for row in range(len(rows)))
    info = Info(names, losses=torch.from_numpy(losses))
    for normalize, divisor in (("l2", norms), ("loss", losses), ("loss+", losses * norms)):
        divided = rows / divisor[:, None]
        size = np.linalg.norm(divided, axis=1).max()
        found = weights_of(rows, info, normalize=normalize) @ divided
        np.testing.assert_allclose(found, weights_of(divided) @ divided, atol=1e-7 * size)


def test_the_losses_are_those_of_the_tasks_with_a_gradient() -> None:
    info = Info(("a", "b", "c"), losses=torch.tensor([1.0, 0.0, 2.0]))
    gramian = torch.diag(torch.tensor([1.0, 0.0, 1.0]))
    weights = MGDA(normalize="loss").weights(gramian, info)
    np.testing.assert_allclose(weights, [0.2, 0.0, 0.8], rtol=1e-12)


def test_a_gradient_of_zero_is_dropped_or_taken_literally() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(weights_of(rows), [0.5, 0.0, 0.5])
    balancer = MGDA(zero_rows="keep")
    weights = balancer.weights(torch.from_numpy(rows @ rows.T))
    assert weights.tolist() == [0.0, 1.0, 0.0]
    assert balancer.flag == "a gradient is zero"


def test_a_pareto_stationary_point_is_flagged() -> None:
    balancer = MGDA()
    balancer.weights(torch.tensor([[1.0, -2.0], [-2.0, 4.0]]))
    assert balancer.flag == "Pareto-stationary"
    balancer.weights(torch.eye(2))
    assert balancer.flag is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalize": "max"}, "`normalize` must be 'none', 'l2', 'loss' or 'loss.'; found 'max'"),
        ({"zero_rows": "no"}, "`zero_rows` must be 'drop' or 'keep'; found 'no'"),
    ],
)
def test_an_unknown_option_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MGDA(**options)


def test_losses_that_are_missing_or_not_positive_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs the losses; found none"):
        MGDA(normalize="loss").weights(torch.eye(2))
    info = Info(("a", "b"), losses=torch.tensor([1.0, 0.0]))
    with pytest.raises(ConfigError, match=r"needs positive losses; found \[1.0, 0.0\]"):
        MGDA(normalize="loss+").weights(torch.eye(2), info)
