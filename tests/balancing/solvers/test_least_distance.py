"""The shortest vector that satisfies linear inequalities."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing.solvers.least_distance import least_distance
from tests.balancing.gramians import jacobians

seeds = st.integers(0, 2**32 - 1)


def units(jacobian: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(jacobian, axis=1)
    found: np.ndarray = jacobian[norms > 0] / norms[norms > 0, None]
    return found


def shortest(rows: np.ndarray, margins: np.ndarray) -> np.ndarray | None:
    """The shortest of the solutions at equality of all sets that satisfy every inequality."""
    best: np.ndarray | None = None
    for size in range(len(rows) + 1):
        for chosen in itertools.combinations(range(len(rows)), size):
            tight = list(chosen)
            x = np.linalg.pinv(rows[tight], rcond=1e-9) @ margins[tight]
            if (rows @ x < margins - 1e-9).any():
                continue
            if best is None or np.linalg.norm(x) < np.linalg.norm(best):
                best = x
    return best


@given(jacobians(max_tasks=5), seeds)
def test_is_the_best_of_all_sets(jacobian: np.ndarray, seed: int) -> None:
    """Margins that some vector meets, some of them exactly; rows may depend on each other."""
    rows, rng = units(jacobian), np.random.default_rng(seed)
    margins = rows @ rng.standard_normal(rows.shape[1]) - rng.choice([0.0, 0.1, 1.0], len(rows))
    found, expected = least_distance(rows @ rows.T, margins), shortest(rows, margins)
    assert found is not None and expected is not None
    assert (found >= 0).all()
    np.testing.assert_allclose(found @ rows, expected, rtol=0, atol=1e-6)


@given(st.integers(1, 6), seeds)
def test_every_condition_of_the_optimum_holds(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = units(rng.standard_normal((count, 8)))
    margins = rng.standard_normal(count)
    found = least_distance(rows @ rows.T, margins)
    assert found is not None and (found >= 0).all()
    slack = rows @ (found @ rows) - margins
    assert (slack >= -1e-9).all()
    np.testing.assert_allclose(found * slack, 0, atol=1e-9)


@given(st.integers(2, 6), seeds, st.sampled_from([1e-3, 0.02, 1.0, 30.0]))
def test_rows_that_cancel_allow_no_positive_margins(count: int, seed: int, margin: float) -> None:
    """A positive combination of zero: its inner product with any x is 0, and should be positive."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, 7))
    rows[-1] = -(rng.uniform(0.2, 1, count - 1) @ rows[:-1])
    rows = units(rows)
    assert least_distance(rows @ rows.T, np.full(count, margin)) is None


def test_two_by_hand() -> None:
    cosines = np.array([[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(least_distance(cosines, np.array([1.5, 1.5])), [1.0, 1.0])
    # The second inequality holds where the first one is met: 1/2 of its margin is left over
    np.testing.assert_allclose(least_distance(cosines, np.array([2.0, 0.5])), [2.0, 0.0])


@given(st.integers(1, 6), seeds, st.sampled_from([1e-300, 1e-9, 1e9, 1e300]))
def test_the_size_of_the_margins_is_that_of_the_vector(count: int, seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    rows, margins = units(rng.standard_normal((count, 8))), rng.standard_normal(count)
    cosines = rows @ rows.T
    found, expected = least_distance(cosines, size * margins), least_distance(cosines, margins)
    assert found is not None and expected is not None
    np.testing.assert_allclose(found / size, expected, rtol=1e-9, atol=1e-9)


def test_what_holds_at_zero_needs_nothing() -> None:
    opposite = np.array([[1.0, -1.0], [-1.0, 1.0]])
    for margins in ([0.0, 0.0], [-1.0, -0.5], []):
        found = least_distance(opposite[: len(margins), : len(margins)], np.array(margins))
        assert found is not None and found.tolist() == [0.0] * len(margins)


def test_cosines_of_single_precision_decide_up_to_their_rounding() -> None:
    rounding = 2 * float(np.finfo(np.float32).eps)
    margins = np.array([0.02, 0.02])
    for angle, feasible in ((1e-4, False), (1e-2, True)):  # from being opposite
        cosine = -float(np.cos(angle))
        cosines = np.array([[1.0, cosine], [cosine, 1.0]])
        assert (least_distance(cosines, margins, rounding) is not None) == feasible
        assert least_distance(cosines, margins) is not None
