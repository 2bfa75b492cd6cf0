"""Cells of a table: per cent, means over tasks, and when a figure is as published."""

import math

import pytest

from plait.experiments.reproduce.beside import beside, values
from plait.experiments.reproduce.published import Column, Row
from tests.experiments.reproduce.tiny_table import TABLE

SCORES = {"a": {"auroc": [0.5, 0.7]}, "b": {"auroc": [0.7, 0.9]}}


def test_a_task_or_the_mean_over_all_with_a_factor() -> None:
    assert values(Column(title="A", task="a", metric="auroc"), SCORES, 2) == [0.5, 0.7]
    mean = values(Column(title="Mean", task="", metric="auroc", factor=100), SCORES, 2)
    assert mean == pytest.approx([60, 80])


@pytest.mark.parametrize("task", ["", "c"])
def test_what_is_not_there_is_nan(task: str) -> None:
    column = Column(title="A", task=task, metric="rmse")
    assert all(map(math.isnan, values(column, SCORES, 2)))
    assert all(map(math.isnan, values(column, {}, 2)))


def test_one_task_without_a_value_leaves_the_mean_without() -> None:
    scores = {"a": {"auroc": [0.5, math.nan]}, "b": {"auroc": [0.7, 0.9]}}
    first, second = values(Column(title="Mean", task="", metric="auroc"), scores, 2)
    assert first == pytest.approx(0.6) and math.isnan(second)


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ([50.0, 50.0], "as published"),
        ([150.0, 149.0], "as published"),
        ([152.0, 150.0], "above"),
        ([-51.0, -51.0], "below"),
        ([50.0, math.nan], "failed"),
    ],
)
def test_a_mean_within_the_tolerance_is_as_published(ours: list[float], expected: str) -> None:
    scores = {"test": {"quarter": {"accuracy": [value / 100 for value in ours]}}}
    row = Row(name="x", title="X", published=(50.0, math.nan))
    quarter, mask = beside(TABLE, row, scores, 2).figures
    assert quarter.agreement == expected
    assert mask.agreement == "" and math.isnan(mask.published)


def test_a_row_without_published_figures_says_nothing() -> None:
    found = beside(TABLE, Row(name="x", title="X"), {}, 2, "no memory")
    assert [each.agreement for each in found.figures] == ["", ""]
    assert found.failed == "no memory"
