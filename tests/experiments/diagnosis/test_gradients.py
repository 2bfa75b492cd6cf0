"""Conflicts against rows of gradients that are given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.experiments.diagnosis.gradients import Gradients, conflict, deviation, pairs

NAN = np.nan


def gramians(rows: np.ndarray) -> np.ndarray:
    """`[n, T, P]` to `[n, T, T]`; a row of NaN is a task without labels."""
    return np.einsum("ntp,nsp->nts", rows, rows)


@given(st.integers(0, 10_000))
def test_numbers_are_means_over_the_batches(seed: int) -> None:
    draws = np.random.default_rng(seed)
    rows = draws.normal(size=(6, 3, 4))
    rows[0, 2] = NAN
    found = conflict(gramians(rows), ["a", "b", "c"], 4)

    def cosine(batch: int, i: int, j: int) -> float:
        one, two = rows[batch, i], rows[batch, j]
        return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))

    for i, j, batches in ((0, 1, range(6)), (0, 2, range(1, 6))):
        each = [cosine(batch, i, j) for batch in batches]
        assert found.cosines[i][j] == pytest.approx(np.mean(each), abs=1e-3)
        assert found.rates[i][j] == pytest.approx(np.mean(np.array(each) < 0), abs=1e-3)
        assert found.deviations[i][j] == pytest.approx(np.std(each, ddof=1), abs=1e-3)
        assert found.counts[i][j] == len(each)
    lengths = np.linalg.norm(rows[:, 1], axis=1).mean()
    assert found.norms[1] == pytest.approx(lengths, rel=1e-3)
    assert found.counts[2][2] == 5
    assert found.similarities[0][1] is not None and 0 < found.similarities[0][1] <= 1


def test_a_task_without_a_gradient_is_left_out() -> None:
    rows = np.ones((4, 3, 2))
    rows[:, 1] = 0.0
    found = conflict(gramians(rows), ["a", "none", "c"], 2, "layer")
    assert found.tasks == ["a", "c"]
    assert found.cosine == 1.0 and found.rate == 0.0
    assert conflict(gramians(np.zeros((4, 2, 2))), ["a", "b"], 2).cosine is None


@given(st.integers(0, 10_000))
def test_shares_add_up_and_follow_the_sum(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(1, 3, 4))
    found = Gradients(["a", "b", "c"], {"l": gramians(rows)}).shares
    total = rows[0].sum(axis=0)
    for i, task in enumerate("abc"):
        assert found[task] == pytest.approx(rows[0, i] @ total / (total @ total))
    assert sum(found.values()) == pytest.approx(1)


def test_few_values_have_no_deviation_and_single_tasks_no_pair() -> None:
    assert np.isnan(deviation(np.array([[1.0]]))).all()
    rows = np.full((2, 2, 3), NAN)
    rows[:, 0] = 1.0
    cosines, similarities = pairs(gramians(rows))
    assert np.isnan(cosines).all() and np.isnan(similarities).all()
