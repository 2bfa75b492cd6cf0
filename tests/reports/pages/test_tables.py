"""The settings in which runs differ stand apart from those of all."""

from pathlib import Path
from typing import Any

from plait.core.many import MANY
from plait.reports.draw.tables import settings_table
from plait.reports.pages.tables import settings_tables, with_few_tasks
from plait.reports.read.run import Run, read_run
from tests.reports.example import write_run


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


def test_settings_of_many_tasks_are_there_once() -> None:
    def config(tasks: int) -> dict[str, Any]:
        own = {
            f"t{i}": {"name": f"t{i}", "scale": i % 3, "metrics": {"k": 1}} for i in range(tasks)
        }
        return {"lr": 0.1, "tasks": own}

    assert with_few_tasks(config(MANY)) == config(MANY)
    rows = settings_table(with_few_tasks(config(MANY + 1)), "x").rows
    assert rows == [
        ["lr", "0.1"],
        ["tasks.(all 33).scale", "3 different ones"],
        ["tasks.(all 33).metrics.k", "1"],
    ]
    for tasks in (["a"] * 40, {f"t{i}": None for i in range(MANY)}, None):
        assert with_few_tasks({"tasks": tasks}) == {"tasks": tasks}
    bare = with_few_tasks({"tasks": {f"t{i}": None for i in range(40)}})
    assert settings_table(bare, "x").rows == [["tasks.(all 40)", "{}"]]
