"""The tables of a diagnosis have its numbers."""

from dataclasses import replace

from plait.reports.pages.diagnosis_tables import (
    forecast_table,
    gain_table,
    loss_table,
    opposed_table,
    parameter_table,
)
from plait.runs.diagnosis import LossScale, SharedBy
from tests.reports.diagnosis_example import made_diagnosis
from tests.reports.words.made import breaking


def cells(rows: list[list[str]]) -> list[list[str]]:
    return [[breaking(cell) for cell in row] for row in rows]


def test_pairs_in_conflict_have_their_interval() -> None:
    table = opposed_table(made_diagnosis())
    assert table is not None
    assert cells(table.rows)[0] == ["mask and digit", "-0.3", "-0.42 to -0.18", "90.0 %"]


def test_gradients_are_set_against_the_shortest() -> None:
    losses = {
        "a": LossScale(first=2.0, loss=1.0, norm=0.5, batches=3),
        "b": LossScale(first=None, loss=4.0, norm=2.0, batches=1),
        "c": LossScale(first=1.0, loss=None, norm=None, batches=0),
    }
    table = loss_table(replace(made_diagnosis(), losses=losses))
    assert table is not None
    assert table.rows == [
        ["a", "2", "1", "0.5", "1", "3"],
        ["b", "–", "4", "2", "4", "1"],
        ["c", "1", "–", "–", "–", "0"],
    ]


def test_parameters_stand_with_the_tasks_that_train_them() -> None:
    shared = [
        SharedBy(tasks=["a", "b", "c"], parameters=60),
        SharedBy(tasks=["a"], parameters=30),
        SharedBy(tasks=[], parameters=10),
    ]
    table = parameter_table(replace(made_diagnosis(("a", "b", "c")), shared=shared))
    assert table is not None
    assert cells(table.rows) == [
        ["All 3", "60", "60.0 %"],
        ["a", "30", "30.0 %"],
        ["None: no task reaches them", "10", "10.0 %"],
    ]
    many = [SharedBy(tasks=[f"t{i}" for i in range(9)], parameters=1)]
    table = parameter_table(replace(made_diagnosis([f"t{i}" for i in range(10)]), shared=many))
    assert table is not None
    assert table.rows[0][0].endswith("t5 and 3 more")


def test_predicted_gains_stand_by_network() -> None:
    table = gain_table(made_diagnosis())
    assert table is not None
    assert cells(table.rows)[2] == ["mask", "2", "+0.12 %"]
    assert gain_table(made_diagnosis(("only",))) is None


def test_a_forecast_has_time_and_memory_of_what_can_be_used() -> None:
    table = forecast_table(made_diagnosis())
    assert table is not None
    assert cells(table.rows) == [
        ["Equal", "12.1 ms", "1.00", "213 MB", "1", "–"],
        ["UPGrad", "34.3 ms", "2.83", "395 MB", "4", "rows"],
    ]


def test_what_is_empty_has_no_table() -> None:
    bare = replace(made_diagnosis(), opposed=[], losses={}, shared=[], forecast=[], grouping=None)
    for each in (opposed_table, loss_table, parameter_table, gain_table, forecast_table):
        assert each(bare) is None
