"""The tables have the numbers of the comparison, and say which is best."""

import dataclasses
from pathlib import Path

from plait.reports.pages.tables import cost_table, settings_tables, value_table
from plait.reports.read.run import Run, read_run
from tests.reports.example import write_run
from tests.reports.words.made import breaking, of_members, of_tasks


def test_the_best_of_a_metric_that_should_be_small_is_the_smallest() -> None:
    found = of_members(x=2.0, y=-4.0)
    first, second = value_table(found).rows
    assert [cell.startswith("★") for cell in first[2:5]] == [True, False, False]
    assert [cell.startswith("★") for cell in second[2:5]] == [False, True, False]
    lower = [dataclasses.replace(row, higher_is_better=False) for row in found.rows]
    first, second = value_table(dataclasses.with_rows(found, lower)).rows
    assert [cell.startswith("★") for cell in first[2:5]] == [False, True, False]
    assert first[1] == "m ↓"


def test_a_lone_member_has_the_answer_first() -> None:
    table = value_table(of_tasks(a=[10.0]))
    head = ["x", "Change", "Single-task", "Trivial", "Joint is", "Than trivial"]
    assert table.head[2:] == head
    (cells,) = table.rows
    assert [breaking(cell) for cell in cells[2:]] == [
        *("★ 0.55", "+10.0 %", "0.5", "0.1", "better", "better")
    ]


def test_the_cost_is_against_all_single_task_networks_together() -> None:
    single, x, _ = cost_table(of_members(x=[1.0, 3.0], y=[0.0, 0.0])).rows
    assert single == ["Single-task, 2 together", "2 min", "1.00", "2,000", "1.00", "0"]
    assert [breaking(cell) for cell in x] == [
        *("Family: x", "1 min", "0.50", "500", "0.25", "+2.0 ± 1.4 %")
    ]


def configured(folder: Path, config: str | None) -> Run:
    write_run(folder, ("digit",), epochs=1, steps_per_epoch=1)
    if config is None:
        (folder / "config.yaml").unlink()
    else:
        (folder / "config.yaml").write_text(config)
    return read_run(folder)


def test_settings_that_differ_are_told_from_those_of_all(tmp_path: Path) -> None:
    runs = {
        "x": configured(tmp_path / "x", "{a: 1, b: {c: 2}}"),
        "y": configured(tmp_path / "y", "{a: 1, b: {c: 3}, d: 4}"),
        "z": configured(tmp_path / "z", None),
    }
    differ, same = settings_tables(runs)
    assert differ is not None
    assert same is not None
    assert differ.head == ["Setting", "x", "y"]
    assert differ.rows == [["b.c", "2", "3"], ["d", "–", "4"]]
    assert same.rows == [["a", "1"]]


def test_runs_without_a_configuration_have_no_tables(tmp_path: Path) -> None:
    assert settings_tables({"z": configured(tmp_path, None)}) == (None, None)
