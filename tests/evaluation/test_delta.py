import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.regression import R2Score

from plait.core.errors import DataError
from plait.evaluation import changes, delta_m, delta_m_resampled, relative_change
from plait.tasks import Classification, Regression

TASKS = {"breed": Classification("breed", classes=3), "age": Regression("age")}


def test_a_gain_is_relative_and_positive_where_joint_training_is_better() -> None:
    single = {"breed": {"accuracy": 0.5, "f1": 0.4}, "age": {"mae": 2.0, "rmse": 4.0}}
    joint = {"breed": {"accuracy": 0.6, "f1": 0.3}, "age": {"mae": 1.5, "rmse": 5.0}}
    gains = changes(TASKS, joint, single)
    assert gains["breed"] == pytest.approx({"accuracy": 20.0, "f1": -25.0})
    assert gains["age"] == pytest.approx({"mae": 25.0, "rmse": -25.0})
    # (20 - 25) / 2 = -2.5 and (25 - 25) / 2 = 0
    assert delta_m(gains) == pytest.approx(-1.25)


def test_a_negative_score_that_grows_is_a_gain() -> None:
    """R^2 may be below 0: the change is relative to its size."""
    tasks = {"age": Regression("age", metrics={"r2": R2Score()})}
    gains = changes(tasks, {"age": {"r2": -0.2}}, {"age": {"r2": -0.4}})
    assert gains["age"]["r2"] == pytest.approx(50.0)


scores = st.floats(0.01, 100)


@given(st.lists(st.lists(scores, min_size=2, max_size=2), min_size=2, max_size=2))
def test_equal_results_are_no_gain(values: list[list[float]]) -> None:
    names = {"breed": ("accuracy", "f1"), "age": ("mae", "rmse")}
    same = {
        task: dict(zip(metrics, own, strict=True))
        for (task, metrics), own in zip(names.items(), values, strict=True)
    }
    assert delta_m(changes(TASKS, same, same)) == 0.0


def test_a_task_with_more_metrics_counts_no_more() -> None:
    gains = {"a": {"m": 1.0}, "b": {"m": 4.0, "n": 6.0, "o": 8.0}}
    assert delta_m(gains) == pytest.approx((1 + 6) / 2)


def test_no_change_is_relative_to_zero_and_the_others_are_compared() -> None:
    single = {"breed": {"accuracy": 0.0, "f1": 0.1}, "age": {"mae": 1.0, "rmse": math.nan}}
    joint = {"breed": {"accuracy": 0.5, "f1": 0.2}, "age": {"mae": 0.5, "rmse": 1.0}}
    gains = changes(TASKS, joint, single)
    assert math.isnan(gains["breed"]["accuracy"])
    assert math.isnan(gains["age"]["rmse"])
    assert delta_m(gains) == pytest.approx((100 + 50) / 2)


@pytest.mark.parametrize("absent", ["joint", "single"])
def test_a_task_that_was_not_measured_is_refused(absent: str) -> None:
    whole = {"breed": {"accuracy": 0.5, "f1": 0.4}, "age": {"mae": 2.0, "rmse": 4.0}}
    part = {"breed": whole["breed"]}
    scores = {"joint": whole, "single": whole, absent: part}
    with pytest.raises(DataError, match="task 'age' has no valid label"):
        changes(TASKS, scores["joint"], scores["single"])


@pytest.mark.parametrize("gains", [{}, {"a": {"m": 1.0}, "b": {}}])
def test_a_mean_over_nothing_is_refused(gains: dict[str, dict[str, float]]) -> None:
    with pytest.raises(DataError, match=f"found no metric of {'b' if gains else 'any task'}"):
        delta_m(gains)


def test_what_is_not_a_number_is_left_out() -> None:
    nan = math.nan
    assert delta_m({"a": {"m": nan, "n": 4.0}, "b": {"m": 2.0}, "c": {"m": nan}}) == 3.0
    assert math.isnan(delta_m({"a": {"m": nan}}))


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=3), st.floats(-50, 50))
def test_a_relative_change_of_many_numbers_is_that_of_each(
    values: list[float], base: float
) -> None:
    for higher in (True, False):
        found = relative_change(values, base, higher_is_better=higher)
        for value, gain in zip(values, found.tolist(), strict=True):
            sign = 1 if higher else -1
            expected = 100 * sign * (value - base) / abs(base) if base else math.nan
            assert gain == pytest.approx(expected, nan_ok=True)


def test_a_change_on_a_resample_is_relative_to_the_whole_test_part() -> None:
    found = relative_change([[0.5, 0.9]], [[0.4, 0.8]], higher_is_better=True, of=[[0.5]])
    assert found == pytest.approx(np.array([[20.0, 20.0]]))


gain = st.one_of(st.floats(-50, 50), st.just(math.nan))


@given(st.lists(st.lists(gain, min_size=2, max_size=2), min_size=3, max_size=3))
def test_delta_m_of_a_resample_is_delta_m_where_it_defines_all(values: list[list[float]]) -> None:
    """The resample of the whole test part has its value; one that is moved by 1, one more."""
    names = ("a", "b", "c")
    gains = {n: dict(zip("xy", own, strict=True)) for n, own in zip(names, values, strict=True)}
    whole = delta_m(gains)
    moved = {n: {m: [g, g + 1] for m, g in own.items()} for n, own in gains.items()}
    if math.isnan(whole):
        assert delta_m_resampled(moved, gains).shape == (0,)
    else:
        assert delta_m_resampled(moved, gains) == pytest.approx(np.array([whole, whole + 1]))


def test_a_resample_without_a_metric_moves_delta_m_by_the_others() -> None:
    gains = {"a": {"f1": 2.0, "auroc": 8.0}, "b": {"f1": 4.0}, "c": {"f1": math.nan}}
    nan = math.nan
    resampled = {
        "a": {"f1": [3.0, 3.0, nan], "auroc": [nan, 9.0, nan]},
        "b": {"f1": [4.0, nan, nan]},
        "c": {"f1": [1.0, 1.0, 1.0]},
    }
    found = delta_m_resampled(resampled, gains)
    assert found[:2] == pytest.approx([4.5 + (1.0 + 0.0) / 2, 4.5 + 1.0])
    assert math.isnan(found[2])
