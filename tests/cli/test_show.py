"""A comparison on the terminal: one row for each member, whatever the width."""

import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from plait.cli import show
from plait.core.typed_json import without_nan
from plait.runs import Comparison, FinalTest, RunResult
from tests.reports.words.made import breaking, judged, member, of_members, of_tasks, row, single
from tests.runs.made import compared


def printed(found: Comparison, capsys: pytest.CaptureFixture[str], *, as_json: bool = False) -> str:
    show.comparison(found, Path("here/report.html"), as_json=as_json)
    return breaking(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def cells(text: str, first: str) -> list[list[str]]:
    """The cells of the rows that begin with a word."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines()]
    return [row for row in rows if row[0] == first]


def test_one_member_is_shown_with_its_changes(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(of_tasks(a=[10.0, -2.0]), capsys)
    assert cells(text, "Separate networks") == [["Separate networks", "", "0.5", "1", "1"]]
    assert cells(text, "x") == [["x", "+4.0 ▲", "0.55 +10.0 ▲", "1.50", "0.40"]]
    assert cells(text, "trivial predictor") == [["trivial predictor", "", "0.1", "", ""]]
    assert "Joint training helped: 4.0 % better than separate networks [+3.5, +4.5]." in text
    assert "What to do: Train the tasks together: Family: x." in text
    assert text.endswith("Report: here/report.html\n")


def test_several_members_from_several_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(of_members(x=[0.0, 2.0], y=[5.0, 5.0]), capsys)
    assert cells(text, "x") == [
        ["x", "+1.0 ▲", "0.505 +1.0 ▲", "0.495 -1.0 ▼", "0.50", "0.25"],
    ]
    assert cells(text, "y")[0][:3] == ["y", "+5.0 ▲", "0.525 +5.0 ▲"]
    assert "x: min L" in text
    assert "Negative transfer: b (m) got worse with y (-5.0 % [-5.5, -4.5])" in text
    assert "and of 2 seeds" in text


def test_no_change_has_no_minus(capsys: pytest.CaptureFixture[str]) -> None:
    assert "+0.0 ≈" in printed(of_tasks(a=[-0.01]), capsys)


def many(members: int, tasks: int) -> Comparison:
    """Members of which each is good at one task in two."""
    names = [f"Method{i}" for i in range(members)]
    found = compared(
        title="t",
        note="",
        seeds=[0],
        members=[member(name, [10.0]) for name in names],
        single={f"task {i}": single(60.0, 1, 1_000_000) for i in range(tasks)},
        rows=[
            row(f"task {i}", "accuracy", {n: [-10.0 if i % 2 else 10.0] for n in names})
            for i in range(tasks)
        ],
    )
    return judged(found)


@pytest.mark.parametrize(
    ("tasks", "cell"), [(3, "0.55 +10.0 ▲"), (5, "+10.0 ▲"), (12, "6"), (139, "70")]
)
def test_twelve_members_are_whole_at_a_hundred_columns(
    tasks: int,
    cell: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = printed(many(12, tasks), capsys)
    table = text.partition("Test part,")[0]
    assert max(map(len, table.splitlines())) <= 100
    assert "…" not in table
    assert len(cells(table, "Method0")) == len(cells(table, "Method11")) == 1
    assert cells(table, "Method7")[0][2] == cell
    for sign in ("▲ better", "▼ worse", "≈ no clear difference"):
        assert sign in text


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_long_name_is_cut_and_its_numbers_are_not(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    found = of_members(**{"a network with a name that has no end": 10.0, "y": -20.0})
    text = printed(found, capsys)
    assert max(map(len, text.partition("Test part,")[0].splitlines())) <= int(columns)
    assert "a network with a name t…" in text
    for cell in ("+10.0 ▲", "-20.0 ▼", "0.50", "0.25"):
        assert re.search(rf"[ │]{re.escape(cell)} ", text), cell


def test_without_intervals_the_bare_means_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(replace(of_members(x=2.0, y=-6.0), changes=[]), capsys)
    assert cells(text, "x")[0][:3] == ["x", "+2.0", "0.51 +2.0"]
    assert "no interval was measured" in text


def test_json_is_the_comparison_and_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    found = of_members(x=[1.0, 2.0])
    shown = json.loads(printed(found, capsys, as_json=True), parse_constant=pytest.fail)
    assert shown.pop("report") == "here/report.html"
    assert shown == without_nan(asdict(found))


def result_of(metrics: dict[str, dict[str, float]]) -> RunResult:
    trivial = {task: dict.fromkeys(each, 2.0) for task, each in metrics.items()}
    test = FinalTest(losses={}, metrics=metrics, trivial=trivial, counts={})
    return RunResult(
        seed=0,
        best_epoch=2,
        score=0.5,
        validation={},
        test=test,
        tested="",
        steps=1,
        seconds=3.0,
        step_seconds=1.0,
        parameters=10,
        size=40,
    )


def test_tasks_of_one_metric_have_their_mean(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {"a": {"mae": 1.0, "r2": 0.5}, "b": {"mae": 3.0}, "c": {"mae": math.nan}}
    show.result(result_of(metrics), Path("run"), Path("report.html"), as_json=False)
    text = capsys.readouterr().out
    assert cells(text, "a") == [["a", "mae", "1", "2"], ["a", "r2", "0.5", "2"]]
    assert cells(text, "mean of 2 tasks") == [["mean of 2 tasks", "mae", "2", "2"]]
    assert cells(text, "c") == [["c", "mae", "undefined", "2"]]


def test_what_is_undefined_is_said_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    found = result_of({"a": {"auroc": math.nan, "f1": 0.5}})
    reasons = {"a": {"auroc": "all labels are 'no'"}}
    found = replace(found, test=replace(found.test, undefined=reasons))
    show.result(found, Path("run"), Path("report.html"), as_json=False)
    text = capsys.readouterr().out
    assert cells(text, "a")[0] == ["a", "auroc", "undefined", "2"]
    assert "auroc of a is undefined, because all labels are 'no'.\n" in text
    show.result(found, Path("run"), Path("report.html"), as_json=True)
    shown = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert shown["metrics"] == {"a": {"auroc": None, "f1": 0.5}}
    assert shown["undefined"] == reasons


def test_an_undefined_metric_of_a_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    found = of_tasks(a=[math.nan])
    info = replace(found.metrics["a"]["m0"], undefined="there is no label")
    text = printed(replace(found, metrics={"a": {"m0": info}}), capsys)
    assert cells(text, "x")[0][1:3] == ["– ?", "– – ?"]
    assert "m0 of a is undefined, because there is no label." in text


def test_what_failed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    found = of_members(x=1.0, y=2.0)
    members = [replace(found.members[0], failed=["out of memory"]), found.members[1]]
    assert "No numbers of x: out of memory." in printed(replace(found, members=members), capsys)


def test_of_very_many_tasks_the_means_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {f"school-{i}": {"mae": float(i), "r2": 0.0} for i in range(139)}
    show.result(result_of(metrics), Path("run"), Path("report.html"), as_json=False)
    text = capsys.readouterr().out
    assert "school-1" not in text
    assert cells(text, "mean of 139 tasks") == [
        ["mean of 139 tasks", "mae", "69", "2"],
        ["mean of 139 tasks", "r2", "0", "2"],
    ]
    assert cells(text, "25 % quantile") == [
        ["25 % quantile", "mae", "34.5", ""],
        ["25 % quantile", "r2", "0", ""],
    ]
    assert "All 278 rows are in plait report run --csv." in text


def test_of_very_many_tasks_the_worst_and_the_best_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics = {f"school-{i:03d}": {"mae": 1 - i / 139} for i in range(139)}
    found = result_of(metrics)
    directions = {task: {"mae": False} for task in metrics}
    test = replace(found.test, higher_is_better=directions)
    show.evaluation(test, title="x", as_json=False)
    text = capsys.readouterr().out
    shown = [word for word in text.split() if word.startswith("school-")]
    assert shown == [f"school-{i:03d}" for i in (*range(8), *range(131, 139))]
    assert "The 8 tasks with the least skill, and as many with the most." in text
    assert "All 139 rows are in the output with --json." in text


def test_a_metric_over_several_tasks_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    found = result_of({"a": {"accuracy": 0.5}})
    found = replace(found, test=replace(found.test, all_right={"sentence_accuracy": 0.25}))
    show.result(found, Path("run"), Path("report.html"), as_json=False)
    row = cells(capsys.readouterr().out, "several at once")
    assert row == [["several at once", "sentence_accuracy", "0.25", ""]]
    show.evaluation(found.test, title="x", as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["all_right"] == {"sentence_accuracy": 0.25}


def test_a_task_that_predicts_one_class_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    test = replace(result_of({"a": {"accuracy": 0.5}}).test, one_class={"a": "no"})
    show.evaluation(test, title="x", as_json=False)
    assert "on this table, one class only is predicted" in capsys.readouterr().out
    show.evaluation(test, title="x", as_json=True)
    assert json.loads(capsys.readouterr().out)["one_class"] == {"a": "no"}
