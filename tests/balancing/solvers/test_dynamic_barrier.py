"""The quadratic programme of FORUM, against a search over the simplex."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers import dynamic_barrier


def value(gramian: np.ndarray, inner: np.ndarray, phi: float, weights: np.ndarray) -> np.ndarray:
    """The least objective over nu, for weights `[..., n]`; its slope in nu vanishes at `free`."""
    along = weights @ inner
    free = phi / 2 - along
    nu = np.maximum(np.maximum(0, phi - along), free)
    length = np.einsum("...i,ij,...j->...", weights, gramian, weights)
    found: np.ndarray = length + 2 * nu * along + nu**2 - phi * nu
    return found


def problem(rng: np.random.Generator, tasks: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows, equal and opposite ones among them, and a constraint q."""
    rows = rng.standard_normal((tasks + 1, columns))
    if rng.random() < 0.3:
        rows[-1] = rows[rng.integers(1, tasks + 1)] * rng.choice([-2.0, 1.0])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    inner = rows @ rows.T
    return inner[1:, 1:], inner[0, 1:]


def simplex(rng: np.random.Generator, tasks: int, count: int) -> np.ndarray:
    """Points of the simplex, many near its faces."""
    return rng.dirichlet(np.full(tasks, 0.3), size=count)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 5),
    st.integers(1, 6),
    st.sampled_from([1e-6, 0.01, 0.1, 0.5, 2.0, 50.0]),
)
def test_no_other_weights_are_better(seed: int, tasks: int, columns: int, phi: float) -> None:
    rng = np.random.default_rng(seed)
    gramian, inner = problem(rng, tasks, columns)
    weights = dynamic_barrier(gramian, inner, phi)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-12)
    found = value(gramian, inner, phi, weights)
    anywhere = simplex(rng, tasks, 300)
    nearby = weights + np.geomspace(1e-5, 1, 300)[:, None] * (anywhere - weights)
    others = np.concatenate([anywhere, nearby, np.eye(tasks)])
    assert found <= value(gramian, inner, phi, others).min() + 1e-10 * (1 + phi)


@pytest.mark.parametrize(
    ("inner", "phi", "expected"),
    [
        # Orthogonal rows, q = (b, rest). psi' = phi below the kink, and w moves away from q.
        ([0.6, 0.6], 0.1, [0.5, 0.5]),  # far above the kink: the min-norm point
        ([0.8, 0.0], 0.4, [0.5, 0.5]),  # min-norm has t = 0.4 exactly
        ([0.8, 0.0], 0.45, [0.5625, 0.4375]),  # held at the kink, 0.8 w = 0.45
        # Below: minimise w^2 (1 - 0.64) + (1 - w)^2 + 0.8 phi w at 2.72 w = 2 - 0.8 phi
        ([0.8, 0.0], 1.0, [1.2 / 2.72, 1 - 1.2 / 2.72]),
        ([0.8, 0.0], 4.0, [0.0, 1.0]),
    ],
)
def test_the_three_cases_by_hand(inner: list[float], phi: float, expected: list[float]) -> None:
    found = dynamic_barrier(np.eye(2), np.array(inner), phi)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_constraint_without_gradient_leaves_the_min_norm_point() -> None:
    found = dynamic_barrier(np.diag([1.0, 3.0]), np.zeros(2), 0.0)
    np.testing.assert_allclose(found, [0.75, 0.25])
