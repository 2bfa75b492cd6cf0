"""The table of metrics of many tasks, and the size of their page."""

from pathlib import Path

import pytest

from plait.core.many import MANY, main_skills, quantiles
from plait.reports import write_report
from plait.reports.pages.many_rows import EACH, note_of
from plait.reports.pages.tables import metric_table
from plait.reports.read.run import read_run
from plait.reports.words.text import number
from tests.reports.example import Event, write_events, write_run
from tests.reports.page import Page, read_page

FEW = {"epochs": 2, "steps_per_epoch": 3}


def names(tasks: int) -> tuple[str, ...]:
    return tuple(f"task {i:03d}" for i in range(tasks))


def page(folder: Path, tasks: int) -> Page:
    """The page of a run; of many tasks only one step has cosines, as the log has it."""
    events = write_run(folder, names(tasks), **FEW)
    steps = [event for event in events if event["event"] == "step"]
    for event in steps[1:] if tasks > MANY else ():
        del event["cosines"]
    write_events(folder, [labels(names(tasks)), *events])
    return read_page(write_report(folder))


def labels(tasks: tuple[str, ...]) -> Event:
    labelled = {task: 900 - number for number, task in enumerate(tasks)}
    rows = dict.fromkeys(tasks, 1000)
    return {"event": "labels", "split": "train", "rows": rows, "labelled": labelled}


def test_the_page_of_617_tasks_is_no_more_than_3_times_that_of_12(tmp_path: Path) -> None:
    few, many = page(tmp_path / "few", 12), page(tmp_path / "many", 617)
    assert len(many.own.encode()) <= 3 * len(few.own.encode())
    assert len(many.all("div", class_="plotly-graph-div")) <= 45
    for words in ("The 617 tasks", "plait report FOLDER --csv", "plait.runs.steps_of"):
        assert words in many.text
    assert max(len(rows[0]) for rows in many.tables.values()) < 40  # columns
    assert max(map(len, many.tables.values())) < 60


def test_quantiles_then_the_worst_then_the_best(tmp_path: Path) -> None:
    tasks = names(MANY + 1)
    test = write_run(tmp_path, tasks, **FEW)[-1]
    run = read_run(tmp_path)
    table = metric_table(run)
    assert table is not None
    rows = {(row[0], row[1].split(" ")[0]): row[2:] for row in table.rows}
    for metric in ("accuracy", "f1"):
        expected = quantiles(test["metrics"][task][metric] for task in tasks)
        titles = [f"{share} of 33 tasks" for share in ("5 % quantile", "25 % quantile", "median")]
        assert [rows[title, metric][0] for title in titles] == list(map(number, expected[:3]))
    skills = main_skills(test["metrics"], test["trivial"], test["higher_is_better"])
    order = sorted(tasks, key=skills.__getitem__)
    shown = [row[0] for row in table.rows[10::2]]
    assert shown == [*order[:EACH], *order[-EACH:]]
    for task in shown:
        assert rows[task, "accuracy"][0] == number(test["metrics"][task]["accuracy"])
    assert "Of 33 tasks: quantiles" in note_of(run)
    assert {len(row) for row in table.rows} == {len(table.head)}


@pytest.mark.parametrize("direction", [True, False])
def test_without_a_skill_the_main_metric_chooses(direction: bool, tmp_path: Path) -> None:
    tasks = names(MANY + 1)
    events = write_run(tmp_path, tasks, **FEW)
    test = events[-1]
    for event in events:
        if "metrics" in event:
            event["trivial"] = {}
            event["higher_is_better"] = {task: {"accuracy": direction} for task in tasks}
    write_events(tmp_path, events)
    table = metric_table(read_run(tmp_path))
    assert table is not None
    values = {task: test["metrics"][task]["accuracy"] for task in tasks}
    order = sorted(tasks, key=lambda task: values[task] if direction else -values[task])
    assert [row[0] for row in table.rows[10::2]] == [*order[:EACH], *order[-EACH:]]


def test_up_to_32_tasks_each_has_its_rows(tmp_path: Path) -> None:
    write_run(tmp_path, names(MANY), **FEW)
    run = read_run(tmp_path)
    table = metric_table(run)
    assert table is not None
    assert [row[0] for row in table.rows[::2]] == list(names(MANY))
    assert note_of(run) == ""


def test_own_best_epochs_have_their_column(tmp_path: Path) -> None:
    tasks = names(MANY + 1)
    events = write_run(tmp_path, tasks, **FEW)
    for event in events:
        if event["event"] == "evaluation":
            event["best_epochs"] = {task: 1 + place % 2 for place, task in enumerate(tasks)}
    write_events(tmp_path, events)
    table = metric_table(read_run(tmp_path))
    assert table is not None
    place = table.head.index("Best epoch of the task alone")
    assert {row[place] for row in table.rows[:10]} == {"–"}
    assert {row[place] for row in table.rows[10:]} <= {"1", "2"}
