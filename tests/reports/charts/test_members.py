"""Members over each other: the curves of their runs, and of the tasks alone."""

from pathlib import Path

import pytest

from plait.reports.charts.members import member_chart, named
from plait.reports.draw.style import GREY, looks
from plait.reports.read.comparison import read_comparison
from plait.reports.words.text import number
from tests.reports.comparison_example import FAMILIES, write_comparison

SMALL = {"epochs": 3, "steps_per_epoch": 2, "gallery": False}


@pytest.mark.parametrize("seeds", [(0,), (4, 7)])
def test_a_column_is_the_metric_of_the_first_run(seeds: tuple[int, ...], tmp_path: Path) -> None:
    write_comparison(tmp_path, ("digit", "mask"), members=FAMILIES, seeds=seeds, **SMALL)
    compared = read_comparison(tmp_path)
    chart = member_chart(compared, looks(compared.found.labels))
    (table,) = chart.tables
    assert len(chart.panels) == 2
    columns = dict(zip(table.head, zip(*table.rows, strict=True), strict=True))
    for name, label in compared.found.labels.items():
        run = compared.joint[name][0]
        values = [number(event.metrics["mask"]["iou"]) for event in run.validations]
        assert list(columns[f"mask: iou, {label}"]) == values
    alone = compared.single["mask"][0]
    values = [number(event.metrics["mask"]["iou"]) for event in alone.validations]
    assert list(columns["mask: iou, Single-task"]) == values


def test_the_task_alone_is_grey_and_dashed(tmp_path: Path) -> None:
    write_comparison(tmp_path, ("digit",), members=FAMILIES, **SMALL)
    found = read_comparison(tmp_path).found
    legend = named(found, looks(found.labels, dashed=True))
    assert list(legend) == ["Hard", "PairwiseL2", "CrossStitch", "Single-task"]
    assert (legend["Single-task"].colour, legend["Single-task"].dash) == (GREY, "dash")
    assert len(set(legend.values())) == 4


def test_without_an_evaluation_it_says_what_is_missing(tmp_path: Path) -> None:
    write_comparison(tmp_path, ("digit",), **SMALL)
    for events in tmp_path.glob("*/events.jsonl"):
        lines = events.read_text().splitlines(keepends=True)
        events.write_text("".join(line for line in lines if '"evaluation"' not in line))
    compared = read_comparison(tmp_path)
    assert "No metric was evaluated" in member_chart(compared, looks(["joint"])).missing
