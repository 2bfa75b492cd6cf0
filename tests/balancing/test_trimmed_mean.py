"""Trimmed mean, against sorting by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import TrimmedMean, trimmed_mean
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians


def direction_of(jacobian: np.ndarray, trim: int) -> np.ndarray:
    found: np.ndarray = TrimmedMean(trim=trim).combine(torch.from_numpy(jacobian)).numpy()
    return found


@given(jacobians(max_tasks=8), st.integers(0, 4))
def test_is_the_mean_of_the_middle_of_each_column(jacobian: np.ndarray, trim: int) -> None:
    left_out = min(trim, (len(jacobian) - 1) // 2)
    expected = []
    for column in jacobian.T:
        values = sorted(column)
        for _ in range(left_out):
            values.remove(min(values))
            values.remove(max(values))
        expected.append(np.mean(values))
    np.testing.assert_allclose(direction_of(jacobian, trim), expected, rtol=1e-12, atol=1e-15)


@given(jacobians(min_tasks=3, max_tasks=7), st.floats(-1e30, 1e30))
def test_one_task_cannot_lead_away_from_the_others(jacobian: np.ndarray, wild: float) -> None:
    jacobian[1] = wild
    others = np.delete(jacobian, 1, axis=0)
    found = direction_of(jacobian, 1)
    slack = 1e-12 * np.abs(others).max()
    assert (found >= others.min(axis=0) - slack).all()
    assert (found <= others.max(axis=0) + slack).all()


def test_says_so_where_there_are_too_few_tasks_to_trim() -> None:
    balancer = TrimmedMean(trim=2)
    rows = torch.tensor([[1.0], [2.0], [6.0], [40.0]])
    assert balancer.combine(rows).tolist() == [4.0]
    assert balancer.flag == "trimmed 1 of 4 tasks at either end"
    assert balancer.combine(rows[:2]).tolist() == [1.5]
    assert balancer.combine(torch.cat([rows, rows[:1]])).tolist() == [2.0]
    assert balancer.flag is None


def test_blocks_of_columns_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(5, 37)
    whole = TrimmedMean().combine(rows)
    monkeypatch.setattr(trimmed_mean, "BLOCK", 8)
    assert torch.equal(TrimmedMean().combine(rows), whole)


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="`trim` must not be negative; found -1"):
        TrimmedMean(trim=-1)
