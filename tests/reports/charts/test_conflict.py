"""Conflict is the mean cosine and the share of steps below zero, pair by pair."""

import json
import re
from pathlib import Path

import numpy as np

from plait.reports import write_report
from plait.reports.charts.conflict import conflict_charts, conflicts
from plait.reports.draw.curves import Subject
from plait.reports.draw.style import looks
from plait.reports.read.run import read_run
from plait.reports.words.text import number
from tests.reports.example import Event, write_run
from tests.reports.page import Page, read_page


def report(folder: Path) -> Page:
    return read_page(write_report(folder))


def of(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["event"] == kind]


def test_conflict_is_the_mean_and_the_share_below_zero(tmp_path: Path) -> None:
    events = of(write_run(tmp_path), "step")
    rows = report(tmp_path).tables["Gradient conflict"][1:]
    assert len(rows) == 3
    for index, row in enumerate(rows):
        values = [event["cosines"][index][2] for event in events]
        first, second, _ = events[0]["cosines"][index]
        share = sum(value < 0 for value in values) / len(values)
        mean = sum(values) / len(values)
        assert row == [f"{first} and {second}", number(mean), f"{share:.1%}", str(len(values))]


def test_one_task_has_no_conflict(tmp_path: Path) -> None:
    write_run(tmp_path, tasks=("digit",), epochs=1, steps_per_epoch=3)
    assert "A run of one task has no pair" in report(tmp_path).text


def test_many_pairs_are_cut_to_those_that_conflict_most(tmp_path: Path) -> None:
    tasks = tuple(f"task {i}" for i in range(7))
    write_run(tmp_path, tasks=tasks, epochs=1, steps_per_epoch=20)
    page = report(tmp_path)
    assert "The 12 of 21 pairs that conflict most often." in page.text
    rows = {row[0]: float(row[2].rstrip("%")) for row in page.tables["Gradient conflict"][1:]}
    shown = page.tables["Gradient cosines"][0][1:]
    assert len(rows) == 21
    assert len(shown) == 12
    hidden = rows.keys() - set(shown)
    assert min(rows[pair] for pair in shown) >= max(rows[pair] for pair in hidden)


def test_a_cosine_of_zero_is_no_conflict_and_one_that_is_missing_does_not_count() -> None:
    cosines = np.array([[-0.1, np.nan], [0.0, np.nan], [0.2, 0.5], [-1.0, -0.5]])
    assert conflicts(cosines).tolist() == [0.5, 0.5]


def test_of_many_tasks_those_that_conflict_most_are_drawn(tmp_path: Path) -> None:
    """Each with a larger share of steps in conflict, over its pairs, than any that is not."""
    tasks = tuple(f"task {i}" for i in range(36))
    events = of(write_run(tmp_path, tasks=tasks, epochs=1, steps_per_epoch=4), "step")
    below: dict[str, list[bool]] = {task: [] for task in tasks}
    for event in events:
        for first, second, cosine in event["cosines"]:
            below[first].append(cosine < 0)
            below[second].append(cosine < 0)
    run = read_run(tmp_path)
    _, chart = conflict_charts(Subject(run, {}, looks(run.tasks)))
    drawn = json.loads(re.findall(r'"y":(\[[^]]*\])', str(chart.panels[0].plot))[0])
    share = {task: sum(each) / len(each) for task, each in below.items()}
    assert len(drawn) == 32
    assert min(share[task] for task in drawn) >= max(share[t] for t in tasks if t not in drawn)
