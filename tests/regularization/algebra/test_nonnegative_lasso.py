import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.regularization.algebra.nonnegative_lasso import combine_others


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 5.0]), st.integers(1, 6))
def test_the_optimality_conditions_hold(seed: int, sparsity: float, tasks: int) -> None:
    """Where B is above 0 its slope is 0, elsewhere it is not below 0."""
    rows = np.random.default_rng(seed).normal(size=(tasks, 12))
    gram = rows @ rows.T
    found = combine_others(gram, sparsity)
    slope = 2 * (gram @ found - gram) + sparsity
    off = ~np.eye(tasks, dtype=bool)
    assert (found >= 0).all()
    assert not np.diag(found).any()
    assert np.abs(slope[off & (found > 0)]).max(initial=0) < 1e-6
    assert slope[off & (found == 0)].min(initial=0) > -1e-6


def test_a_start_at_the_end_stays_there() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 9))
    found = combine_others(rows @ rows.T, 0.2)
    again = combine_others(rows @ rows.T, 0.2, found)
    assert again == pytest.approx(found, abs=1e-10)
    assert again is not found


def test_a_vector_of_zeros_gives_and_takes_nothing() -> None:
    rows = np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 1.0]])
    found = combine_others(rows @ rows.T, 0.0)
    assert not found[1].any()
    assert not found[:, 1].any()
