"""A comparison on the terminal: one column for each member, with its spread if there is one."""

import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from plait.cli import show
from plait.runs import Comparison, FinalTest, RunResult
from tests.reports.words.made import breaking, of_members, of_tasks
from tests.runs.made import with_rows


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
    assert cells(text, "a") == [
        ["a", "m0 ↑", "0.1", "0.5", "0.55 (+10.0 %)"],
        ["a", "m1 ↑", "0.1", "0.5", "0.49 (-2.0 %)"],
    ]
    assert "Mean gain over tasks (delta_m): +4.00 %; positive means" in text
    assert text.endswith("Report: here/report.html\n")


def test_several_members_from_several_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(of_members(x=[0.0, 2.0], y=[5.0, 5.0]), capsys)
    assert cells(text, "a") == [["a", "m ↑", "0.1", "0.5 ± 0", "0.505 ± 0.0071", "0.525 ± 0"]]
    assert cells(text, "")[0] == ["", "", "", "", "(+1.0 %)", "(+5.0 %)"]
    assert cells(text, "all") == [
        ["all", "delta_m ↑", "", "", "+1.00 ± 1.41 %", "+5.00 ± 0.00 %"],
        ["all", "seconds ↓", "", "120", "60", "60"],
        ["all", "parameters ↓", "", "2,000", "500", "500"],
    ]
    assert ["", "", "", "", "(-75 %)", "(-75 %)"] in cells(text, "")
    assert "(delta_m): +5.00 ± 0.00 % with y, the best" in text
    assert "x: Family: x; min L" in text


def test_no_change_has_no_minus(capsys: pytest.CaptureFixture[str]) -> None:
    assert "(+0.0 %)" in printed(of_tasks(a=[-0.01]), capsys)


def test_eighty_columns_keep_every_number_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = printed(of_members(shared=[10.0], tied=[-20.0], connected=[3.0]), capsys)
    assert max(map(len, text.splitlines()[:12])) <= 80
    for number in ("0.55", "(+10.0 %)", "0.4", "(-20.0 %)", "0.515", "(+3.0 %)", "delta_m ↑"):
        assert re.search(rf"[ │]{re.escape(number)} ", text), number


def test_json_is_the_comparison_and_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    found = of_members(x=[1.0, 2.0])
    shown = json.loads(printed(found, capsys, as_json=True))
    assert shown.pop("report") == "here/report.html"
    assert shown == asdict(found)


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
    found = of_tasks(a=[10.0, math.nan])
    missing = replace(
        found.rows[1], trivial=[math.nan], single=[math.nan], undefined="there is no label"
    )
    found = with_rows(found, [found.rows[0], missing])
    text = printed(found, capsys)
    assert cells(text, "a")[1] == ["a", "m1 ↑", "undefined", "undefined", "undefined (–)"]
    assert "m1 of a is undefined, because there is no label." in text
    shown = json.loads(printed(found, capsys, as_json=True), parse_constant=pytest.fail)
    assert shown["rows"][1]["single"] == [None]
    assert shown["rows"][1]["undefined"] == "there is no label"


def test_of_very_many_tasks_the_means_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {f"school-{i}": {"mae": float(i), "r2": 0.0} for i in range(139)}
    show.result(result_of(metrics), Path("run"), Path("report.html"), as_json=False)
    text = capsys.readouterr().out
    assert "school-1" not in text
    assert cells(text, "mean of 139 tasks") == [
        ["mean of 139 tasks", "mae", "69", "2"],
        ["mean of 139 tasks", "r2", "0", "2"],
    ]
    assert "The report has all 278 rows" in text


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
