"""Weights and cosines of each member are means over its seeds."""

from pathlib import Path

from plait.reports.charts.balance import cosine_chart, weights_chart
from plait.reports.draw.style import looks
from plait.reports.read.comparison import read_comparison
from plait.reports.words.notable import notable
from plait.reports.words.text import number
from tests.logged_steps import lines_of
from tests.reports.comparison_example import FAMILIES, write_comparison
from tests.reports.example import write_events

SMALL = {"epochs": 1, "steps_per_epoch": 6, "gallery": False}
TASKS = ("digit", "mask")


def test_the_weights_are_the_mean_over_the_seeds(tmp_path: Path) -> None:
    write_comparison(tmp_path, TASKS, members=FAMILIES, seeds=(0, 1), **SMALL)
    compared = read_comparison(tmp_path)
    chart = weights_chart(compared, looks(TASKS))
    assert [panel.name for panel in chart.panels] == ["Hard", "PairwiseL2", "CrossStitch"]
    (table,) = chart.tables
    column = table.head.index("PairwiseL2: mask")
    runs = [run.steps for run in compared.joint["tied"]]
    steps = zip(*(steps.of(steps.weights, "mask").tolist() for steps in runs), strict=True)
    expected = [number(sum(each) / 2) for each in steps]
    assert [row[column] for row in table.rows] == expected


def test_weights_that_never_change_are_said(tmp_path: Path) -> None:
    write_comparison(tmp_path, TASKS, members=FAMILIES, **SMALL)
    for path in tmp_path.glob("*/*/events.jsonl"):
        events = lines_of(path.parent)
        for event in events:
            if "weights" in event:
                event["weights"] = dict.fromkeys(event["weights"], 1.0)
        write_events(path.parent, events)
    assert "No weight changes" in weights_chart(read_comparison(tmp_path), looks(TASKS)).missing


def test_cosines_are_means_over_steps_and_seeds(tmp_path: Path) -> None:
    write_comparison(tmp_path, TASKS, seeds=(0, 1), **SMALL)  # a lone member records gradients
    compared = read_comparison(tmp_path)
    (panel,) = cosine_chart(compared).panels
    values = [x for run in compared.joint["joint"] for (x,) in run.steps.cosines.tolist()]
    assert panel.summary == f"Joint: digit and mask {sum(values) / len(values):+.2f}."


def test_of_many_tasks_the_cosines_of_those_named_are_drawn(tmp_path: Path) -> None:
    tasks = tuple(f"t{i:02d}" for i in range(34))
    write_comparison(tmp_path, tasks, epochs=1, steps_per_epoch=2, gallery=False)
    compared = read_comparison(tmp_path)
    chart = cosine_chart(compared)
    assert "Drawn are 12 of 34 tasks, those named above." in chart.caption
    assert len(chart.tables[0].rows) == 12 * 11 // 2
    assert {row[0].split(" and ")[0] for row in chart.tables[0].rows} < set(notable(compared.found))


def test_without_cosines_it_says_how_to_get_them(tmp_path: Path) -> None:
    write_comparison(tmp_path, TASKS, members=FAMILIES, **SMALL)
    assert "measure_every" in cosine_chart(read_comparison(tmp_path)).missing
