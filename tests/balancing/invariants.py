"""Invariants that a method's own tests state for it."""

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from tests.balancing.gramians import Jacobian

Method = Callable[[np.ndarray], np.ndarray]  # Jacobian [T, P] -> weights [T]


@st.composite
def independent(draw: st.DrawFn, min_tasks: int = 1, max_tasks: int = 6) -> Jacobian:
    """Random rows that are far from dependent, in general position."""
    tasks = draw(st.integers(min_tasks, max_tasks))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.standard_normal((tasks, tasks + 6)) * rng.uniform(0.3, 3, (tasks, 1))


def check_permutation(weights: Method, jacobian: Jacobian, rtol: float = 1e-7) -> None:
    """Weights go with their tasks."""
    order = np.random.default_rng(0).permutation(len(jacobian))
    close(weights(jacobian[order]), weights(jacobian)[order], rtol)


def check_rotation(weights: Method, jacobian: Jacobian, rtol: float = 1e-7) -> None:
    """An orthogonal transform of the parameters changes no weight."""
    columns = jacobian.shape[1]
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((columns, columns)))
    close(weights(jacobian @ rotation), weights(jacobian), rtol)


def check_scale(weights: Method, jacobian: Jacobian, scale: float, rtol: float = 1e-7) -> None:
    """A common factor of all gradients changes no weight, so that d grows with it."""
    close(weights(scale * jacobian), weights(jacobian), rtol)


def close(found: np.ndarray, expected: np.ndarray, rtol: float = 1e-7) -> None:
    """Equal relative to the largest entry."""
    size = max(np.abs(expected).max(), np.finfo(float).tiny)
    np.testing.assert_allclose(found, expected, rtol=0, atol=rtol * size)


def check_row_factors(weights: Method, jacobian: Jacobian) -> None:
    """The scale of one loss changes the length of the direction only."""
    factors = np.random.default_rng(0).uniform(1e-3, 1e3, (len(jacobian), 1))
    scaled = factors * jacobian
    one, two = weights(jacobian) @ jacobian, weights(scaled) @ scaled
    close(two / np.linalg.norm(two), one / np.linalg.norm(one), 1e-6)
