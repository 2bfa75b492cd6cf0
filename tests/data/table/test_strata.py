"""Strata of labels, against values whose bins are known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.data.table.strata import MOST_BINS, ROWS_OF_A_BIN, strata_of

NAN = float("nan")


def test_classes_stay_and_missing_ones_are_below_0() -> None:
    assert strata_of([torch.tensor([0, 2, -100, 1])], 0.15).tolist() == [[0], [2], [-1], [1]]


def test_tags_and_several_tasks_are_columns() -> None:
    tags = torch.tensor([[0.0, 1.0], [NAN, NAN], [1.0, 1.0]])
    found = strata_of([tags, torch.tensor([1, 0, 1])], 0.15)
    assert found.shape == (3, 3)
    assert (found[1] < 0).tolist() == [True, True, False]
    assert found[0, 1] == found[2, 1]


@given(st.integers(1, 400), st.floats(0.05, 0.4))
def test_numbers_are_divided_at_their_quantiles(rows: int, smallest: float) -> None:
    values = np.random.default_rng(rows).normal(size=(rows, 1))
    found = strata_of([values], smallest)[:, 0]
    bins = min(MOST_BINS, max(1, int(rows * smallest / ROWS_OF_A_BIN)))
    if rows > MOST_BINS:  # fewer: each value has a tenth of the rows
        assert len(np.unique(found)) == bins
        counts = np.bincount(found)
        assert counts.max() - counts.min() <= 1
        assert (np.diff(found[values[:, 0].argsort()]) >= 0).all()


def test_a_value_of_many_rows_is_a_bin_of_its_own() -> None:
    spent = np.concatenate([np.zeros(900), np.arange(1.0, 101.0)])[:, np.newaxis]
    found = strata_of([spent], 0.15)[:, 0]
    assert len(np.unique(found[:900])) == 1
    assert found[0] not in found[900:]
    assert np.bincount(found[900:]).tolist() == [20] * 5


@pytest.mark.parametrize("values", [[3.0, 4.0, 4.0, 9.0], [0.0, 1.0, NAN, 1.0]])
def test_few_values_are_classes(values: list[float]) -> None:
    found = strata_of([np.array(values)[:, np.newaxis]], 0.15)[:, 0]
    for one, other in zip(values, found, strict=True):
        assert (one != one) == (other < 0)
    labelled = [each for each in values if each == each]
    assert len(set(found[found >= 0].tolist())) == len(set(labelled))


def test_a_bound_counts_as_its_number() -> None:
    bounded = torch.tensor([[[1.0, 1.0]], [[2.0, torch.inf]], [[-torch.inf, 1.0]], [[NAN, NAN]]])
    exact = torch.tensor([[1.0], [2.0], [1.0], [NAN]])
    assert np.array_equal(strata_of([bounded], 0.15), strata_of([exact], 0.15))


def test_a_task_without_labels_has_no_stratum() -> None:
    assert (strata_of([torch.full((4, 1), NAN)], 0.15) == -1).all()
