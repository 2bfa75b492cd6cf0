"""Changes: all tasks of one member in one panel, several members task by task."""

import math
from dataclasses import replace

from plait.reports.charts.changes import change_chart, change_table
from plait.reports.draw.style import looks
from plait.runs import Comparison
from tests.reports.figure import figure
from tests.reports.words.made import breaking, judged, member, of_members, of_tasks, row, single
from tests.runs.made import compared


def many(tasks: int, *, members: tuple[str, ...]) -> Comparison:
    """One metric of so many tasks; the change of task i is i."""
    names = [f"t{i:02d}" for i in range(tasks)]
    found = compared(
        title="t",
        note="",
        seeds=[0],
        members=[member(name, [1.0]) for name in members],
        single={name: single(1.0, 1, 10) for name in names},
        rows=[row(name, "m", {m: [float(i)] for m in members}) for i, name in enumerate(names)],
    )
    return judged(found)


def test_one_member_is_one_panel_with_the_mean_first_and_the_main_metrics() -> None:
    found = of_tasks(a=[2.0], b=[-4.0, 1.0])
    (panel,) = change_chart(found, looks(found.metrics)).panels
    assert breaking(panel.summary) == (
        "Δm +0.2 % [-0.2, +0.8] ≈, a +2.0 % [+1.5, +2.5] ▲, b -4.0 % [-4.5, -3.5] ▼."
    )
    (bars,) = figure(panel.plot)["data"]
    assert bars["error_x"]["array"] == [0.5] * 3


def test_of_many_tasks_the_best_and_the_worst_are_drawn_in_order() -> None:
    found = many(30, members=("x",))
    (panel,) = change_chart(found, looks(found.metrics)).panels
    assert panel.name == "The best and the worst of 30 tasks"
    drawn = [part.split(" ")[0] for part in panel.summary.split(", t")[1:]]
    assert [f"t{each}" for each in drawn] == [
        f"t{i:02d}" for i in (*range(29, 17, -1), *range(11, -1, -1))
    ]


def test_a_metric_that_cannot_be_compared_is_not_among_the_ends() -> None:
    found = many(30, members=("x",))
    changes = [
        replace(each, mean=math.nan, low=math.nan, high=math.nan) if each.task == "t29" else each
        for each in found.changes
    ]
    (panel,) = change_chart(replace(found, changes=changes), looks(found.metrics)).panels
    assert "t29" not in panel.summary
    assert "t28" in panel.summary


def test_several_members_have_a_panel_for_each_task_with_one_scale() -> None:
    found = of_members(x=2.0, y=-6.0)
    mean, a, b = change_chart(found, looks(found.labels)).panels
    assert breaking(mean.summary) == (
        "Mean over the tasks (Δm): x +2.0 % [+1.5, +2.5] ▲, y -6.0 % [-6.5, -5.5] ▼."
    )
    assert breaking(a.summary).startswith("a: m ↑: x +2.0 %")
    assert breaking(b.summary).startswith("b: m ↑: x -2.0 %")
    ranges = {tuple(figure(each.plot)["layout"]["xaxis"]["range"]) for each in (mean, a, b)}
    assert len(ranges) == 1


def test_without_intervals_the_bare_means_are_drawn() -> None:
    chart = change_chart(replace(of_members(x=2.0, y=-6.0), changes=[]), looks(["x", "y"]))
    assert breaking(chart.panels[0].summary) == "Mean over the tasks (Δm): x +2.0 %, y -6.0 %."
    assert "Lines" not in chart.caption
    assert "error_x" not in figure(chart.panels[0].plot)["data"][0]
    assert chart.tables[0].rows == []


def test_where_nothing_could_be_measured_nothing_is_drawn() -> None:
    found = of_members(x=math.nan, y=math.nan)
    for each in (found, replace(found, changes=[])):
        assert change_chart(each, looks(found.labels)).missing == "No change could be measured."


def test_many_tasks_of_several_members_are_a_map() -> None:
    found = many(30, members=("x", "y"))
    panels = change_chart(found, looks(found.labels)).panels
    assert [panel.name for panel in panels] == [
        "Mean over the tasks (Δm)",
        "Each task, in per cent",
    ]
    assert [row[0] for row in figure(panels[1].plot)["data"][0]["z"]] == list(range(30))


def test_the_table_has_all_changes_and_says_what_is_not_judged() -> None:
    table = change_table(of_tasks(a=[2.0, math.nan, -3.0]))
    rows = [[breaking(cell) for cell in each] for each in table.rows]
    assert rows[1] == ["x", "a", "m0", "+2.0 % [+1.5, +2.5]", "–", "0.01", "0.02", "▲ better"]
    assert rows[2] == ["x", "a", "m1", "–", "–", "–", "–", "? undefined"]
    assert rows[3][-1] == "not judged"
