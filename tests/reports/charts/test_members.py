"""Members over each other: the mean of their runs, with the spread, and the tasks alone."""

from pathlib import Path

import pytest

from plait.reports.charts.members import member_chart
from plait.reports.draw.style import GREY, looks
from plait.reports.read.comparison import read_comparison
from plait.reports.words.notable import notable
from plait.reports.words.text import number
from tests.reports.comparison_example import FAMILIES, write_comparison
from tests.reports.figure import figure

SMALL = {"epochs": 3, "steps_per_epoch": 2, "gallery": False}


@pytest.mark.parametrize("seeds", [(0,), (4, 7)])
def test_a_column_is_the_mean_over_the_seeds(seeds: tuple[int, ...], tmp_path: Path) -> None:
    write_comparison(tmp_path, ("digit", "mask"), members=FAMILIES, seeds=seeds, **SMALL)
    compared = read_comparison(tmp_path)
    chart = member_chart(compared, looks(compared.found.labels))
    (table,) = chart.tables
    assert len(chart.panels) == 2
    columns = dict(zip(table.head, zip(*table.rows, strict=True), strict=True))
    groups = {compared.found.labels[name]: runs for name, runs in compared.joint.items()}
    for label, runs in {**groups, "Separate networks": compared.single["mask"]}.items():
        each = [[event.metrics["mask"]["iou"] for event in run.validations] for run in runs]
        values = [number(sum(row) / len(row)) for row in zip(*each, strict=True)]
        assert list(columns[f"mask: iou, {label}"]) == values
    traces = figure(chart.panels[0].plot)["data"]
    assert sum(trace.get("fill") == "toself" for trace in traces) == (0 if len(seeds) == 1 else 4)
    assert ("standard deviation" in chart.caption) == (len(seeds) > 1)


def test_the_task_alone_is_grey_and_dashed(tmp_path: Path) -> None:
    write_comparison(tmp_path, ("digit",), members=FAMILIES, **SMALL)
    compared = read_comparison(tmp_path)
    legend = member_chart(compared, looks(compared.found.labels, dashed=True)).legend
    assert list(legend) == ["Hard", "PairwiseL2", "CrossStitch", "Separate networks"]
    assert (legend["Separate networks"].colour, legend["Separate networks"].dash) == (GREY, "dash")
    assert len(set(legend.values())) == 4


def test_without_an_evaluation_it_says_what_is_missing(tmp_path: Path) -> None:
    write_comparison(tmp_path, ("digit",), **SMALL)
    for events in tmp_path.glob("*/*/events.jsonl"):
        lines = events.read_text().splitlines(keepends=True)
        events.write_text("".join(line for line in lines if '"evaluation"' not in line))
    compared = read_comparison(tmp_path)
    assert "No metric was evaluated" in member_chart(compared, looks(["joint"])).missing


def test_of_many_tasks_those_that_changed_most_are_drawn(tmp_path: Path) -> None:
    tasks = tuple(f"t{i:02d}" for i in range(34))
    write_comparison(tmp_path, tasks, epochs=1, steps_per_epoch=1, gallery=False)
    compared = read_comparison(tmp_path)
    chart = member_chart(compared, looks(compared.found.labels, dashed=True))
    named = notable(compared.found)
    assert {panel.name.split(":")[0] for panel in chart.panels} == set(named)
    assert "Drawn are 12 of 34 tasks, those named above." in chart.caption
    assert {title.split(":")[0] for title in chart.tables[0].head[1:]} == set(named)
