"""Changes: all metrics of one member in one panel, several members task by task."""

import dataclasses
import math

from plait.reports.charts.changes import change_chart, change_table
from plait.reports.draw.style import looks
from plait.runs import Comparison
from tests.reports.words.made import breaking, member, of_members, of_tasks, row, single
from tests.runs.made import compared


def many(tasks: int, *, members: tuple[str, ...]) -> Comparison:
    """One metric of so many tasks; the change of task i is i."""
    names = [f"t{i:02d}" for i in range(tasks)]
    return compared(
        title="t",
        note="",
        seeds=[0],
        members=[member(name, [1.0]) for name in members],
        single={name: single(1.0, 1, 10) for name in names},
        rows=[row(name, "m", {m: [float(i)] for m in members}) for i, name in enumerate(names)],
    )


def test_one_member_is_one_panel_with_the_mean_first() -> None:
    found = of_tasks(a=[2.0], b=[-4.0, 1.0])
    (panel,) = change_chart(found, looks(found.single)).panels
    expected = "Δm +0.2 %, a: m0 +2.0 %, b: m0 -4.0 %, b: m1 +1.0 %."
    assert breaking(panel.summary) == expected


def test_of_many_metrics_the_best_and_the_worst_are_drawn_in_order() -> None:
    found = many(30, members=("x",))
    (panel,) = change_chart(found, looks(found.single)).panels
    assert panel.name == "The best and the worst of 30"
    drawn = [part.split(":")[0] for part in panel.summary.split(", ")[1:]]
    assert drawn == [f"t{i:02d}" for i in (*range(29, 17, -1), *range(11, -1, -1))]


def test_a_metric_that_cannot_be_compared_is_not_among_the_ends() -> None:
    found = many(30, members=("x",))
    unknown = dataclasses.replace(found.rows[29], changes={"x": [math.nan]})
    found = dataclasses.with_rows(found, [*found.rows[:29], unknown])
    (panel,) = change_chart(found, looks(found.single)).panels
    assert "t29" not in panel.summary
    assert "t28" in panel.summary


def test_several_members_have_a_panel_for_each_task_with_one_scale() -> None:
    found = of_members(x=2.0, y=-6.0)
    mean, a, b = change_chart(found, looks(found.labels)).panels
    assert breaking(mean.summary) == "Mean over the tasks (Δm): x +2.0 %, y -6.0 %."
    assert breaking(a.summary) == "a: m ↑: x +2.0 %, y -6.0 %."
    assert breaking(b.summary) == "b: m ↑: x -2.0 %, y +6.0 %."
    ranges = {panel.plot.partition('"range":')[2].partition("]")[0] for panel in (mean, a, b)}
    assert len(ranges) == 1


def test_many_tasks_of_several_members_are_a_map() -> None:
    found = many(30, members=("x", "y"))
    panels = change_chart(found, looks(found.labels)).panels
    assert [panel.name for panel in panels] == [
        "Mean over the tasks (Δm)",
        "Each task, in per cent",
    ]


def test_seeds_are_said_where_there_are_several() -> None:
    one, two = of_members(x=1.0, y=1.0), of_members(x=[1.0, 2.0], y=[1.0, 2.0])
    assert "seeds" not in change_chart(one, looks(one.labels)).caption
    assert "circles: each seed" in change_chart(two, looks(two.labels)).caption


def test_the_table_has_the_mean_and_all_metrics() -> None:
    table = change_table(of_members(x=[1.0, 3.0], y=[0.0, 0.0]))
    assert table.head == ["Task", "Metric", "x", "y"]
    assert [[breaking(cell) for cell in each] for each in table.rows] == [
        ["All tasks", "Δm", "+2.0 ± 1.4 %", "+0.0 ± 0.0 %"],
        ["a", "m", "+2.0 ± 1.4 %", "+0.0 ± 0.0 %"],
        ["b", "m", "-2.0 ± 1.4 %", "+0.0 ± 0.0 %"],
    ]
