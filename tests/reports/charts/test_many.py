"""Quantiles over many tasks, and which of them are named, against loops over steps and tasks."""

import math

import numpy as np
import pytest

from plait.core.many import QUANTILES, quantiles
from plait.reports.charts.many import EACH, against_first, overview

NAN = math.nan
DRAWS = np.random.default_rng(0)


def test_the_curves_are_the_quantiles_of_each_step() -> None:
    values = DRAWS.normal(size=(6, 40))
    values[2, ::3] = NAN
    found = overview("x", "All", [f"t{i}" for i in range(40)], np.arange(1, 7), values, higher=True)
    assert found is not None
    assert list(found.curves) == ["5 %", "25 %", "median", "75 %", "95 %"]
    for place in range(6):
        row = [curve.y[place] for curve in found.curves.values()]
        assert row == pytest.approx(quantiles(values[place]))


def test_many_steps_are_means_over_stretches() -> None:
    """Of each task over its own steps of a stretch, then the quantile over the tasks."""
    steps, values = np.arange(1, 1001), DRAWS.normal(size=(1000, 5))
    values[DRAWS.random(values.shape) < 0.5] = NAN
    found = overview("x", "All", list("abcde"), steps, values, higher=True)
    assert found is not None
    curve = found.curves["median"]
    assert len(curve.x) == 150 and curve.x[-1] == 1000
    start = 0
    for end, value in zip(curve.x, curve.y, strict=True):
        columns = [[v for v in column if v == v] for column in values[start:end].T]
        assert value == pytest.approx(np.median([np.mean(each) for each in columns if each]))
        start = end


@pytest.mark.parametrize("higher", [True, False])
def test_the_tasks_with_the_worst_and_the_best_last_values_are_named(higher: bool) -> None:
    names = [f"t{i:02d}" for i in range(40)]
    values = np.vstack([np.zeros(40), np.arange(40.0)])
    values[1, 39] = NAN  # its last value is 0, and t39 with t00 the lowest
    found = overview("x", "All", names, np.array([1, 2]), values, higher=higher)
    assert found is not None
    low, high = {"t00", "t39", "t01", "t02"}, {"t35", "t36", "t37", "t38"}
    worst, best = (low, high) if higher else (high, low)
    assert (set(found.tasks[:EACH]), set(found.tasks[EACH:])) == (worst, best)
    assert ("lowest in the end, and the 4 where it is highest" in found.note) == higher
    assert len(found.curves) == len(QUANTILES)


def test_without_a_number_there_is_nothing_to_see() -> None:
    nothing = np.full((3, 2), NAN)
    assert overview("x", "All", ["a", "b"], np.arange(3), nothing, higher=True) is None
    assert overview("x", "All", [], np.arange(0), np.zeros((0, 0)), higher=True) is None


def test_each_task_is_against_its_own_first_number() -> None:
    values = np.array([[2.0, NAN, -1.0, 0.0], [1.0, 4.0, 2.0, 3.0], [NAN, 2.0, 1.0, 1.0]])
    expected = [[1.0, NAN, NAN, NAN], [0.5, 1.0, NAN, NAN], [NAN, 0.5, NAN, NAN]]
    np.testing.assert_array_equal(against_first(values), expected)
    assert against_first(np.zeros((0, 3))).shape == (0, 3)
