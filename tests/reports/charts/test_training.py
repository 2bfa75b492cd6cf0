"""The charts of a training have the numbers of its steps and evaluations."""

import re
import statistics
from pathlib import Path

import pytest

from plait.reports import write_report
from plait.reports.charts.training import (
    main_metrics,
    metric_curve,
    norm_chart,
    rate_chart,
    weight_chart,
)
from plait.reports.draw.curves import Subject
from plait.reports.draw.style import looks
from plait.reports.read.run import read_run
from plait.reports.words.text import number
from tests.reports.example import Event, write_events, write_run
from tests.reports.page import Page, read_page


def report(folder: Path) -> Page:
    return read_page(write_report(folder))


def of(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["event"] == kind]


@pytest.mark.parametrize("steps_per_epoch", [4, 60])
def test_the_tables_of_the_charts_have_the_recorded_values(
    tmp_path: Path, steps_per_epoch: int
) -> None:
    events = write_run(tmp_path, epochs=3, steps_per_epoch=steps_per_epoch, terms=True)
    steps = {str(event["step"]): event for event in of(events, "step")}
    page = report(tmp_path)
    for caption, name in (("Training loss", "losses"), ("Task weights", "weights")):
        head, *rows = page.tables[caption]
        assert len(rows) == min(len(steps), 30)
        assert (rows[0][0], rows[-1][0]) == ("1", str(len(steps)))
        for step, *cells in rows:
            assert cells == [number(steps[step][name][task]) for task in head[1:]]
    for step, *cells in page.tables["Gradient cosines"][1:]:
        assert cells == [number(cosine) for _, _, cosine in steps[step]["cosines"]]
    for step, *cells in page.tables["Gradient norms"][1:]:
        event = steps[step]
        assert cells == [number(x) for x in [*event["norms"].values(), event["gradient_norm"]]]
    for step, *cells in page.tables["Penalties"][1:]:
        assert cells == [number(x) for x in steps[step]["terms"]["PairwiseL2"]]
    for step, rate in page.tables["Learning rate"][1:]:
        assert rate == number(steps[step]["lr"])
    for epoch, *cells in page.tables["Validation"][1:]:
        metrics = of(events, "evaluation")[int(epoch) - 1]["metrics"]
        assert cells == [number(v) for each in metrics.values() for v in each.values()]


def test_a_task_without_labels_in_a_step_has_a_gap(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=1, steps_per_epoch=3)
    del events[1]["losses"]["mask"]
    write_events(tmp_path, events)
    assert report(tmp_path).tables["Training loss"][2][2] == "–"


def test_a_constant_learning_rate_is_said_and_one_that_changes_is_drawn(tmp_path: Path) -> None:
    """An axis around 0.003 alone would go from -1 to 1, where the line looks like 0."""
    events = write_run(tmp_path, epochs=1, steps_per_epoch=4)
    charts = []
    for last in (0.003, 0.001):
        for event in of(events, "step"):
            event["lr"] = 0.003
        of(events, "step")[-1]["lr"] = last
        write_events(tmp_path, events)
        run = read_run(tmp_path)
        charts.append(rate_chart(Subject(run, {}, looks(run.tasks))))
    assert charts[0].missing == "0.003 at every step."
    assert not charts[0].panels
    assert charts[1].panels
    assert not charts[1].missing


def test_long_curves_are_thinned(tmp_path: Path) -> None:
    write_run(tmp_path, tasks=("digit",), epochs=1, steps_per_epoch=2000, gradients=False)
    text = report(tmp_path).own
    lengths = [len(y.split(",")) for y in re.findall(r'"y":\[([^\[\]]*)\]', text)]
    assert max(lengths) == 500


def test_of_several_tasks_a_few_are_drawn_and_all_are_in_the_tables(tmp_path: Path) -> None:
    tasks = tuple(f"task {i}" for i in range(30))
    write_run(tmp_path, tasks=tasks, epochs=1, steps_per_epoch=3)
    page = report(tmp_path)
    charts = [chart["id"] for chart in page.all("div", class_="plotly-graph-div")]
    for name in ("loss", "validation", "cosines"):
        assert len([chart for chart in charts if chart.startswith(f"{name}-")]) == 12
    assert "Drawn are 12 of 30 tasks, evenly chosen from their list" in page.text
    assert "Drawn are 8 of 30 tasks, those with the largest last values" in page.text
    for caption in ("Training loss", "Task weights"):
        assert page.tables[caption][0][1:] == list(tasks)
    assert len(page.tables["Gradient conflict"]) == 1 + 200
    assert "The table has the 200 pairs that conflict most often." in page.text


def test_of_many_tasks_quantiles_the_worst_and_the_best_are_shown(tmp_path: Path) -> None:
    tasks = tuple(f"task {i}" for i in range(40))
    events = write_run(tmp_path, tasks=tasks, epochs=3, steps_per_epoch=1)
    page = report(tmp_path)
    charts = [chart["id"] for chart in page.all("div", class_="plotly-graph-div")]
    for name in ("loss", "validation"):
        shown = [chart for chart in charts if chart.startswith(f"{name}-")]
        assert len(shown) == 9 and f"{name}-all" in shown
    assert {"weights-all", "weights-0", "norms-all", "norms-0"} <= set(charts)
    steps = of(events, "step")
    ratios = {task: steps[-1]["losses"][task] / steps[0]["losses"][task] for task in tasks}
    order = sorted(tasks, key=ratios.__getitem__)
    head, *rows = page.tables["Training loss"]
    quantiles = ["5 %", "25 %", "median", "75 %", "95 %"]
    assert head == ["Step", *quantiles, *order[:-5:-1], *order[:4]]
    assert rows[-1][3] == number(statistics.median(ratios.values()))
    assert rows[-1][6:] == [number(steps[-1]["losses"][task]) for task in head[6:]]
    assert page.tables["Task weights"][0][1:6] == quantiles
    assert len(page.tables["Task weights"][0]) == 1 + 5 + 8
    assert len(page.tables["Gradient conflict"]) == 1 + 32
    assert "Drawn are the 32 of 40 tasks that conflict most often" in page.text


def test_many_tasks_without_a_trivial_predictor_are_evenly_chosen(tmp_path: Path) -> None:
    tasks = tuple(f"task {i}" for i in range(40))
    events = write_run(tmp_path, tasks=tasks, epochs=1, steps_per_epoch=3, gradients=False)
    for event in of(events, "evaluation"):
        event["trivial"] = {}
    write_events(tmp_path, events)
    assert "Drawn are 12 of 40 tasks, evenly chosen" in report(tmp_path).text


def test_a_metric_that_is_not_there_has_no_curve(tmp_path: Path) -> None:
    events = of(write_run(tmp_path, epochs=2, steps_per_epoch=1), "evaluation")
    run = read_run(tmp_path)
    assert main_metrics(run) == [("digit", "accuracy"), ("mask", "iou"), ("centre", "distance")]
    curve = metric_curve(run, "mask", "iou")
    assert (curve.x, curve.y) == ([1, 2], [event["metrics"]["mask"]["iou"] for event in events])
    assert metric_curve(run, "mask", "recall").x == metric_curve(None, "mask", "iou").x == []


def test_a_task_named_like_the_whole_gradient_keeps_its_curve(tmp_path: Path) -> None:
    events = write_run(tmp_path, ("All", "mask"), epochs=1, steps_per_epoch=2)
    run = read_run(tmp_path)
    (table,) = norm_chart(Subject(run, {}, looks(run.tasks))).tables
    assert table.head == ["Step", "All", "mask", "Whole gradient"]
    assert table.rows[0][1] == number(events[0]["norms"]["All"])
    assert table.rows[0][3] == number(events[0]["gradient_norm"])


def test_a_method_without_weights_says_so(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=1, steps_per_epoch=2)
    for event in of(events, "step"):
        del event["weights"]
    write_events(tmp_path, events)
    run = read_run(tmp_path)
    chart = weight_chart(Subject(run, {}, looks(run.tasks)))
    assert not chart.panels
    assert "without any" in chart.missing
