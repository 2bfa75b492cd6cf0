"""The tables of a comparison have its numbers, and mark what is judged."""

import math
from dataclasses import replace

import pytest

from plait.reports.charts.changes import change_table
from plait.reports.pages.comparison_tables import (
    MOST_COLUMNS,
    in_order,
    member_table,
    metric_table,
    task_table,
)
from plait.runs.comparison import mean
from tests.reports.words.made import breaking, judged, of_members, of_tasks
from tests.runs.made import network


def cells(rows: list[list[str]]) -> list[list[str]]:
    return [[breaking(cell) for cell in row] for row in rows]


def test_a_member_has_its_mean_its_tasks_and_its_cost() -> None:
    table = member_table(of_members(x=3.0, y=0.1))
    head = ["Network", "Δm", "▲ tasks", "≈ tasks", "▼ tasks"]
    head += ["Mean rank", "Improvability"]
    assert table.head == [*head, "Training", "Parameters", "Size", "Times single-task"]
    assert cells(table.rows) == [
        [
            "Separate networks",
            "0, the reference",
            *"–––",
            "2",
            "1.46 %",
            "2 min",
            "2,000",
            "8 kB",
            "1.00",
        ],
        ["x", "+3.0 % [+2.5, +3.5] ▲", *"101", "2", "1.5 %", "1 min", "500", "2 kB", "0.25"],
        ["y", "+0.1 % [-0.4, +0.6] ≈", *"020", "2", "1.46 %", "1 min", "500", "2 kB", "0.25"],
    ]


def test_steps_and_memory_have_columns_where_they_are_known() -> None:
    found = of_members(x=[1.0, 2.0])
    known = replace(
        network(folders=["a", "b"], seconds=[1.0, 2.0], parameters=10),
        step_seconds=[0.01, 0.03],
        memory=[1e9, 3e9],
    )
    members = [replace(found.members[0], networks={"": known})]
    table = member_table(replace(found, members=members))
    row = dict(zip(table.head, map(breaking, table.rows[1]), strict=True))
    assert (row["Step"], row["Peak memory"]) == ("20 ms", "2 GB")


def test_members_of_one_kind_stand_together_after_the_baseline() -> None:
    found = of_members(a=1.0, b=2.0, c=3.0)
    kinds = ("classical", "joint", "merged")
    members = [replace(each, kind=k) for each, k in zip(found.members, kinds, strict=True)]
    found = replace(found, members=members)
    assert [each.name for each in in_order(found)] == ["single", "b", "c", "a"]
    names = ["Separate networks", "b", "Family: c", "a"]
    assert [row[0] for row in member_table(found).rows] == names


def test_the_main_metric_has_members_in_rows_where_tasks_are_few() -> None:
    table = task_table(of_tasks(a=[10.0, 5.0], b=[-2.0]))
    assert table.head == ["Network", "a: m0 ↑", "b: m0 ↑"]
    assert cells(table.rows) == [
        ["Separate networks", "0.5", "0.5"],
        ["x", "0.55\n+10.0 % [+9.5, +10.5] ▲", "0.49\n-2.0 % [-2.5, -1.5] ▼"],
        ["Trivial predictor", "0.1", "0.1"],
    ]


def test_and_tasks_in_rows_where_they_are_many() -> None:
    tasks = {f"t{i}": [float(i)] for i in range(MOST_COLUMNS + 1)}
    table = task_table(of_tasks(**tasks))
    assert table.head == ["Task", "Separate networks", "x", "Trivial predictor"]
    assert [row[0] for row in table.rows] == [f"{task}: m0 ↑" for task in tasks]
    assert breaking(table.rows[3][2]) == "0.515\n+3.0 % [+2.5, +3.5] ▲"


def test_of_very_many_tasks_there_are_quantiles_and_those_that_changed_most() -> None:
    found = of_tasks(**{f"t{i}": [float(i), 1.0] for i in range(101)})
    table = task_table(found)
    assert cells(table.rows[:5]) == [
        ["Change, 5 % quantile", "", "+5.0 %", ""],
        ["Change, 25 % quantile", "", "+25.0 %", ""],
        ["Change, median", "", "+50.0 %", ""],
        ["Change, 75 % quantile", "", "+75.0 %", ""],
        ["Change, 95 % quantile", "", "+95.0 %", ""],
    ]
    named = [f"t{i}" for i in (*range(6), *range(95, 101))]
    assert [row[0] for row in table.rows[5:]] == [f"{task}: m0 ↑" for task in named]
    assert [row[0] for row in metric_table(found).rows[::2]] == named
    assert {row[1] for row in change_table(found).rows} == {"all", *named}
    assert {len(row) for row in table.rows} == {len(table.head)}


@pytest.mark.parametrize("seeds", [1, 3])
def test_all_metrics_are_the_means_over_the_seeds(seeds: int) -> None:
    found = of_members(x=[float(i) for i in range(seeds)], y=[2.0] * seeds)
    table = metric_table(found)
    assert table.head == ["Task", "Metric", "Separate networks", "x", "y", "Trivial"]
    for cells_, row in zip(table.rows, found.rows, strict=True):
        assert cells_[:2] == [row.task, f"{row.metric} ↑"]
        assert cells_[3].split("\n")[0].split("\xa0")[0] == f"{mean(row.joint['x']):.4g}"
        assert ("±" in cells_[3]) == (seeds > 1)


def test_a_metric_that_is_not_judged_has_no_sign() -> None:
    (_, second) = metric_table(of_tasks(a=[2.0, 9.0])).rows
    assert breaking(second[3]) == "0.545\n+9.0 % [+8.5, +9.5]"


def test_what_is_undefined_or_missing_stands_as_such() -> None:
    found = of_tasks(a=[math.nan], b=[1.0])
    info = replace(found.metrics["a"]["m0"], undefined="all labels are 3")
    found = replace(found, metrics={**found.metrics, "a": {"m0": info}})
    assert task_table(found).rows[1][1] == "undefined"
    nothing = replace(found.members[0], test={})
    missing = judged(replace(found, members=[replace(nothing, gains={})]))
    assert task_table(missing).rows[1][1:] == ["undefined", "–"]


def test_without_intervals_the_bare_changes_stand() -> None:
    table = task_table(replace(of_tasks(a=[10.0]), changes=[]))
    assert breaking(table.rows[1][1]) == "0.55\n+10.0 %"
