"""What the methods recorded is drawn by title, and stays small however many tasks there are."""

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from plait.reports import write_report
from plait.reports.charts.inside import MOST_CELLS
from plait.reports.words.text import number
from tests.reports.example import Event, watched_event, write_events, write_run
from tests.reports.page import Page, read_page


def report(folder: Path) -> Page:
    return read_page(write_report(folder))


def run_with(folder: Path, *values: dict[str, Any]) -> Page:
    """A run whose steps recorded these values."""
    events = write_run(folder, epochs=1, steps_per_epoch=2)
    for step, each in enumerate(values, start=1):
        events.append({"event": "watched", "step": step, "epoch": 0, "values": each})
    write_events(folder, events)
    return report(folder)


def ids(page: Page, begin: str) -> list[str]:
    charts = page.all("div", class_="plotly-graph-div")
    return [chart["id"] for chart in charts if chart["id"].startswith(begin)]


def of(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["event"] == kind]


def test_nothing_watched_has_no_section(tmp_path: Path) -> None:
    write_run(tmp_path, epochs=1, steps_per_epoch=3)
    page = report(tmp_path)
    assert "Inside the model" not in page.text
    assert not page.all("section", id="inside")
    assert not page.all("a", href="#inside")


def test_each_title_has_its_numbers(tmp_path: Path) -> None:
    events = of(write_run(tmp_path, epochs=1, steps_per_epoch=8, watched=True), "watched")
    page = report(tmp_path)
    assert page.all("a", href="#inside")
    last = events[-1]["values"]
    for title in ("MMoE: gates", "CrossStitch: stage 1"):
        head, *rows = page.tables[f"{title}, last values"]
        written = [
            [row, *(number(values[c]) for c in head[1:])]
            for row, values in last[title]["rows"].items()
        ]
        assert rows == written
        head, *rows = page.tables[f"{title}, over the steps"]
        for event, (step, *cells) in zip(events, rows, strict=True):
            found = event["values"][title]["rows"]
            expected = [
                found[row][column] for row, column in (name.split(": ") for name in head[1:])
            ]
            assert (step, cells) == (str(event["step"]), [number(value) for value in expected])
    for title in ("MMoE: gate entropy", "Hint: alpha"):
        head, *rows = page.tables[title]
        for event, (step, *cells) in zip(events, rows, strict=True):
            found = event["values"][title]["rows"]
            assert (step, cells) == (str(event["step"]), [number(found[row]) for row in head[1:]])
    # A heat map and a panel for each of 3 rows, twice; and twice one panel of curves.
    assert len(ids(page, "inside-")) == 2 * (1 + 3) + 2


def test_a_number_that_is_not_finite_is_a_gap(tmp_path: Path) -> None:
    title = {"shares": False, "rows": {"digit": {"a": None, "b": 1.0}}}
    lone = {"shares": False, "rows": {"digit": None}}
    page = run_with(tmp_path, {"M: t": title, "M: lone": lone})
    assert page.tables["M: t, last values"][1] == ["digit", "–", "1"]
    assert "An empty cell had no finite value." in page.text
    assert "No value that was recorded is finite." in page.text


def test_a_whole_title_without_finite_values_has_its_heat_map_only(tmp_path: Path) -> None:
    page = run_with(tmp_path, {"M: t": {"shares": True, "rows": {"digit": {"a": None}}}})
    assert ids(page, "inside-") == ["inside-0-0"]


def test_many_rows_are_cut_to_the_largest(tmp_path: Path) -> None:
    rows = {f"row {i}": (-1.0) ** i * i for i in range(30)}
    page = run_with(tmp_path, {"M: t": {"shares": False, "rows": rows}})
    assert "Drawn are 8 of 30 rows, those with the largest last values." in page.text
    assert page.tables["M: t"][0][1:] == [f"row {i}" for i in range(22, 30)]
    assert len(page.tables["M: t, all rows"]) == 1 + 30


def test_the_rows_that_changed_most_are_drawn(tmp_path: Path) -> None:
    def state(at: int) -> dict[str, Any]:
        rows = {f"row {i}": {"a": 1.0 * i * at, "b": 1.0} for i in range(20)}
        return {"M: t": {"shares": False, "rows": rows}}

    page = run_with(tmp_path, state(0), state(1))
    assert "Drawn are 12 of 20 rows, those that changed most." in page.text
    drawn = {name.split(":")[0] for name in page.tables["M: t, over the steps"][0][1:]}
    assert drawn == {f"row {i}" for i in range(8, 20)}


def test_names_are_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    rows = {evil: {evil: 0.5, "b": 0.5}}
    page = run_with(tmp_path, {evil: {"shares": True, "rows": rows}})
    assert "<script>alert" not in page.source
    assert evil in page.text


def test_of_many_rows_those_that_changed_most_are_drawn(tmp_path: Path) -> None:
    """With the same columns where rows are columns, and the first ones of others."""
    names = [f"t{i:03d}" for i in range(MOST_CELLS + 6)]
    rows = {a: {b: float(a == b) for b in names} for a in names}
    later = {a: {**row, a: 1.0 + place} for place, (a, row) in enumerate(rows.items())}
    gates = {a: {f"expert {e}": 0.25 for e in range(4)} for a in names}
    page = run_with(
        tmp_path,
        {"C": {"shares": False, "rows": rows}, "G": {"shares": True, "rows": gates}},
        {"C": {"shares": False, "rows": later}, "G": {"shares": True, "rows": gates}},
    )
    head, *table = page.tables["C, last values"]
    assert head[1:] == [row[0] for row in table] == names[6:]
    head, *table = page.tables["G, last values"]
    assert head[1:] == [f"expert {e}" for e in range(4)]
    assert [row[0] for row in table] == names[:MOST_CELLS]
    assert "At most 64 of 70 rows, those that changed most, and of 70 columns." in page.text


@pytest.mark.slow
def test_a_hundred_and_thirty_nine_tasks_stay_small(tmp_path: Path) -> None:
    """Gates, entropies, a matrix of all pairs, an edge for each task, and as many penalties."""
    tasks = tuple(f"diagnosis {i:03d}" for i in range(139))
    events = write_run(tmp_path, tasks, epochs=2, steps_per_epoch=3, terms=True, gradients=False)
    draw = random.Random(0)
    for event in of(events, "step"):
        edges = pairwise(tasks)
        event["terms"] |= {f"Hint[{a} -> {b}]": [draw.random(), 0.1] for a, b in edges}
    last = events[-1]
    records = [watched_event(draw, step, step / 6, tasks, experts=8) for step in range(1, 7)]
    write_events(tmp_path, [*events[:-1], *records, last])
    page = report(tmp_path)
    assert len(page.own) < 3_000_000
    assert len(page.all("div", class_="plotly-graph-div")) < 100
    assert max(len(each["aria-label"]) for each in page.all("div", role="img")) < 4000
    assert json.dumps("diagnosis 138")[1:-1] in page.text
