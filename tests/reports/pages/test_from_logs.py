"""The numbers of a comparison's page, computed once more from the logs of its runs alone.

Nothing of plait is used for it: lines of JSON, means and sample standard deviations.
"""

import json
import statistics
from pathlib import Path

import pytest

from plait.reports import write_report
from tests.reports.comparison_example import FAMILIES, write_comparison
from tests.reports.page import Page, read_page

LOWER = ("distance", "mae", "rmse")
TASKS = ("digit", "mask", "centre")
LABELS = {"shared": "Hard", "tied": "PairwiseL2", "connected": "CrossStitch"}
Metrics = dict[str, dict[str, float]]


def metrics_in(folder: Path) -> Metrics:
    """The metrics of the one test in a log."""
    lines = (json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines())
    (test,) = [line for line in lines if line["event"] == "test"]
    return test["metrics"]


def written(values: list[float]) -> str:
    mean = f"{statistics.fmean(values):.4g}"
    return mean if len(values) < 2 else f"{mean}\xa0±\xa0{statistics.stdev(values):.2g}"


def per_cent(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}\xa0%"


@pytest.fixture(scope="module", params=[(0,), (3, 4, 5)])
def shown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Page, list[Metrics], dict[str, list[Metrics]]]:
    """The page; by seed, the metrics of the tasks alone; and by member, those of its runs."""
    folder, seeds = tmp_path_factory.mktemp("logs"), request.param
    sizes = {"epochs": 3, "steps_per_epoch": 3, "gallery": False}
    write_comparison(folder, TASKS, members=FAMILIES, seeds=seeds, **sizes)
    places = [folder / f"seed-{seed}" for seed in seeds]
    alone = [
        {task: metrics_in(place / f"single-{i}")[task] for i, task in enumerate(TASKS)}
        for place in places
    ]
    joint = {name: [metrics_in(place / name) for place in places] for name in FAMILIES}
    return read_page(write_report(folder)), alone, joint


def gains(own: list[Metrics], alone: list[Metrics], task: str, metric: str) -> list[float]:
    pairs = [
        (each[task][metric], base[task][metric]) for each, base in zip(own, alone, strict=True)
    ]
    sign = -1 if metric in LOWER else 1
    return [sign * 100 * (value - base) / abs(base) for value, base in pairs]


def test_values_and_changes_are_those_of_the_logs(
    shown: tuple[Page, list[Metrics], dict[str, list[Metrics]]],
) -> None:
    page, alone, joint = shown
    head, *rows = page.tables["All metrics"]
    assert [(row[0], row[1].split(" ")[0]) for row in rows] == [
        (task, metric) for task in TASKS for metric in alone[0][task]
    ]
    for row in rows:
        task, metric = row[0], row[1].split(" ")[0]
        cells = dict(zip(head, row, strict=True))
        assert cells["Separate networks"] == written([each[task][metric] for each in alone])
        for name, runs in joint.items():
            value, change = cells[LABELS[name]].split("\n")
            assert value == written([each[task][metric] for each in runs])
            mean = statistics.fmean(gains(runs, alone, task, metric))
            assert change.startswith(per_cent(mean))


def test_the_mean_over_the_tasks_is_that_of_the_logs(
    shown: tuple[Page, list[Metrics], dict[str, list[Metrics]]],
) -> None:
    page, alone, joint = shown
    head, _, *rows = page.tables["Members"]
    for row, runs in zip(rows, joint.values(), strict=True):
        seeds = range(len(alone))
        each = [
            statistics.fmean(
                statistics.fmean(
                    gains(runs, alone, task, metric)[seed] for metric in alone[0][task]
                )
                for task in TASKS
            )
            for seed in seeds
        ]
        assert row[head.index("Δm")].startswith(per_cent(statistics.fmean(each)))
