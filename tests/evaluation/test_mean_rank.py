import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from plait.evaluation import mean_rank, ranks

SMALL = arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.integers(-2, 2))


@given(SMALL)
def test_ranks_are_those_of_scipy(table: np.ndarray) -> None:
    assert ranks(table).tolist() == rankdata(table, axis=0).tolist()
    higher = [True] * table.shape[1]
    assert ranks(table, higher).tolist() == rankdata(-table, axis=0).tolist()


@given(SMALL)
def test_the_mean_over_methods_is_that_of_any_order(table: np.ndarray) -> None:
    assert mean_rank(table).mean() == pytest.approx((len(table) + 1) / 2)


def test_a_method_without_a_value_is_behind_all_others() -> None:
    table = [[math.nan, 1.0], [math.nan, 2.0], [5.0, 3.0]]
    assert ranks(table).tolist() == [[2.5, 1.0], [2.5, 2.0], [1.0, 3.0]]
    assert ranks(table, [True, True]).tolist() == [[2.5, 3.0], [2.5, 2.0], [1.0, 1.0]]


def test_a_metric_without_a_value_is_left_out() -> None:
    table = [[math.nan, 1.0], [math.nan, 2.0]]
    assert np.isnan(ranks(table)[:, 0]).all()
    assert mean_rank(table).tolist() == [1.0, 2.0]
    assert np.isnan(mean_rank([[math.nan], [math.nan]])).all()
    assert mean_rank(np.zeros((0, 3))).shape == (0,)
