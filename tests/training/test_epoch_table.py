"""The table of the epochs: aligned, as wide as the console, all tasks or the first."""

import math
from io import StringIO

import pytest
from rich.console import Console

from plait.core.sentences import listed
from plait.evaluation import Evaluation
from plait.training.epoch_table import MOST_NAMED, EpochTable

NAMES = [f"t{i}" for i in range(30)]


def table(width: int, tasks: list[str]) -> list[str]:
    out = StringIO()
    made = EpochTable(Console(file=out, width=width))
    evaluation = Evaluation({}, {task: {"mae": 1e-3, "rmse": 2.0} for task in tasks}, {}, {}, {})
    for epoch in (9, 10):
        losses = dict.fromkeys(tasks, 1234.5678 * epoch)
        made.add(f"{epoch}/10", 3.0 * epoch, losses, evaluation, ("skill", -0.12345))
    return out.getvalue().splitlines()


def test_lines_are_aligned_and_the_head_is_printed_once() -> None:
    lines = table(80, ["digit", "mask", "centre"])
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 4
    numbers = ["1.11e+04", "0.001"] * 3
    assert lines[2].split() == ["9/10", *numbers, "-0.1235", "27", "s"]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 300])
def test_as_many_tasks_as_the_console_is_wide(width: int) -> None:
    lines = table(width, NAMES)
    fit = [name for name in NAMES if f" {name} " in lines[0]]
    assert fit == NAMES[: len(fit)]
    assert 1 <= len(fit) <= 8
    assert len(fit) == 8 or len(fit) == max(1, (width - 26) // 18)
    assert f"not shown: {listed(NAMES[len(fit) :], MOST_NAMED)}" in lines
    if len(fit) > 1:
        assert all(len(line) <= width for line in lines if "not shown" not in line)


def test_columns_stay_where_tasks_come_in_another_order() -> None:
    """As those of several data sets do, where an epoch may even lack one."""
    out = StringIO()
    made = EpochTable(Console(file=out, width=80))
    for losses in ({"a": 1.0, "b": 2.0}, {"b": 2.5, "a": 1.5}, {"b": 3.0}):
        made.add("1/3", 0.0, losses, None, None)
    rows = [line.split() for line in out.getvalue().splitlines()[2:]]
    assert [row[1:3] for row in rows[:2]] == [["1", "2"], ["1.5", "2.5"]]
    assert rows[2][1:2] == ["3"]


def test_one_task_is_shown_however_narrow_the_console_is() -> None:
    lines = table(10, ["a task with a long name"])
    assert "a task with a long name" in lines[0]


def test_what_is_undefined_is_so_called() -> None:
    out = StringIO()
    made = EpochTable(Console(file=out, width=80))
    evaluation = Evaluation({}, {"a": {"auroc": math.nan}}, {}, {}, {})
    for epoch in (1, 2):
        made.add(f"{epoch}/2", 1.0, {"a": 0.5}, evaluation, ("skill", math.nan))
    lines = out.getvalue().splitlines()
    assert lines[2].split() == ["1/2", "0.5", "undefined", "undefined", "1", "s"]
    assert len({len(line) for line in lines}) == 1


def test_of_many_tasks_the_worst_the_median_and_the_best() -> None:
    """The loss against that of the first epoch, and the skill of the main metric."""
    out = StringIO()
    made = EpochTable(Console(file=out, width=80))
    tasks = [f"t{i}" for i in range(101)]
    trivial = {task: {"mae": 2.0} for task in tasks}
    higher = {task: {"mae": False} for task in tasks}
    for epoch in (1, 2):
        losses = {task: 5.0 + i if epoch == 1 else (5.0 + i) * i for i, task in enumerate(tasks)}
        metrics = {task: {"mae": i / 50, "rmse": 9.0} for i, task in enumerate(tasks)}
        evaluation = Evaluation({}, metrics, trivial, {}, higher)
        made.add(f"{epoch}/2", 3.0, losses, evaluation, ("skill", 0.5))
    above, below, first, note, second = out.getvalue().splitlines()
    assert above.split() == [*["loss"] * 3, *["skill"] * 3, "score"]
    assert below.split() == ["epoch", *["worst", "median", "best"] * 2, "(skill)", "time"]
    assert first.split()[1:4] == ["1", "1", "1"]
    assert second.split() == ["2/2", "100", "50", "0", "0", "0.5", "1", "0.5000", "3", "s"]
    assert note.startswith("of 101 tasks; loss: against that of the first epoch")
    assert len({len(line) for line in (above, below, first, second)}) == 1


def test_columns_of_many_tasks_stay_where_some_are_not_known() -> None:
    out = StringIO()
    made = EpochTable(Console(file=out, width=80))
    evaluation = Evaluation({}, {f"t{i}": {"mae": 1.0} for i in range(40)}, {}, {}, {})
    made.add("0/1", 1.0, {}, evaluation, None)
    made.add("1/1", 1.0, dict.fromkeys(evaluation.metrics, 2.0), evaluation, None)
    lines = out.getvalue().splitlines()
    assert [line.split() for line in lines[2::2]] == [
        ["0/1", "1", "s"],
        ["1/1", "1", "1", "1", "1", "s"],
    ]
    assert len({len(line) for line in (*lines[:3], lines[4])}) == 1
