import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.evaluation import improvability, relative_change


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.booleans())
def test_it_is_what_the_best_loses_by_being_replaced(values: list[float], higher: bool) -> None:
    found = improvability([[value] for value in values], [higher])[:, 0]
    best = max(values) if higher else min(values)
    expected = -relative_change(values, best, higher_is_better=higher)
    assert found == pytest.approx(expected)
    assert found.min() == 0.0


def test_negative_scores_have_distances_too() -> None:
    assert improvability([[-1.0], [-3.0]], [True]).tolist() == [[0.0], [200.0]]


def test_without_a_value_or_a_scale_there_is_no_distance() -> None:
    table = [[0.0, math.nan, 1.0], [2.0, math.nan, math.nan], [0.0, math.nan, 2.0]]
    found = improvability(table)
    assert found[:, 0].tolist()[::2] == [0.0, 0.0]
    assert math.isnan(found[1, 0])
    assert np.isnan(found[:, 1]).all()
    assert found[::2, 2].tolist() == [0.0, 100.0]
    assert math.isnan(found[1, 2])
    assert improvability(np.zeros((0, 2))).shape == (0, 2)
