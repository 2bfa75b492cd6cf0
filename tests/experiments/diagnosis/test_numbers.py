"""Numbers of a diagnosis can be written as JSON."""

import json
import math

import numpy as np
import pytest

from plait.experiments.diagnosis.numbers import matrix, mean, number


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_none(value: float) -> None:
    assert number(value) is None
    assert json.dumps(matrix(np.array([[value, 1 / 3]])), allow_nan=False) == "[[null, 0.3333]]"


def test_a_mean_is_of_what_is_known() -> None:
    found = mean(np.array([[1.0, np.nan, np.nan], [3.0, 4.0, np.nan]]))
    assert found[:2].tolist() == [2.0, 4.0]
    assert np.isnan(found[2])
