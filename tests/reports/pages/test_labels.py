"""The table of labels: rows with a label of each task in each split."""

from pathlib import Path

from plait.reports.pages.labels import label_table
from plait.reports.pages.run import run_page
from plait.reports.read.run import Run, read_run
from plait.runs import Coverage, EventLog
from plait.runs.folder import EVENTS
from tests.reports.example import write_run


def run_with(folder: Path, *coverages: Coverage) -> Run:
    folder.mkdir(exist_ok=True)
    log = EventLog(folder / EVENTS)
    for each in coverages:
        log.write(each)
    log.flush()
    return read_run(folder)


def test_a_row_for_each_task_and_a_column_for_each_split(tmp_path: Path) -> None:
    train = Coverage(
        split="train",
        rows={"size": 6405, "toxic": 6405},
        labelled={"size": 6405, "toxic": 4675},
        classes={"toxic": {"no": 4000, "yes": 675}},
    )
    test = Coverage(split="test", rows={"size": 50, "toxic": 50}, labelled={"size": 50, "toxic": 0})
    table = label_table(run_with(tmp_path, test, train))
    assert table is not None
    assert table.head == ["Task", "Training", "Test", "Labels in training"]
    assert table.rows == [
        ["toxic", "4,675 of 6,405 (72 %)", "0 of 50 (0 %)", "no: 4,000, yes: 675"],
        ["size", "all 6,405", "all 50", ""],
    ]


def test_many_classes_are_summed_up_and_none_have_no_column(tmp_path: Path) -> None:
    counts = {str(n): n + 3 for n in range(7)}
    train = Coverage(split="train", rows={"a": 42}, labelled={"a": 42}, classes={"a": counts})
    table = label_table(run_with(tmp_path / "a", train))
    assert table is not None
    assert table.rows[0][-1] == "7 classes, 3 to 9 labels each"
    plain = Coverage(split="val", rows={"a": 42}, labelled={"a": 42})
    table = label_table(run_with(tmp_path / "b", plain))
    assert table is not None
    assert table.head == ["Task", "Validation"]


def test_of_many_tasks_there_are_the_fewest_the_quantiles_and_the_most(tmp_path: Path) -> None:
    labelled = {f"t{n}": n for n in range(101)}
    train = Coverage(split="train", rows=dict.fromkeys(labelled, 100), labelled=labelled)
    table = label_table(run_with(tmp_path, train))
    assert table is not None
    assert [row[0] for row in table.rows] == [
        "t0 (fewest of 101 tasks)",
        "t5 (5 % have fewer)",
        "t25 (25 % have fewer)",
        "t50 (median)",
        "t75 (75 % have fewer)",
        "t95 (95 % have fewer)",
        "t100 (most)",
    ]


def test_a_run_that_does_not_say_has_no_table(tmp_path: Path) -> None:
    write_run(tmp_path, ("digit",), epochs=1, steps_per_epoch=2)
    assert label_table(read_run(tmp_path)) is None
    assert run_page(tmp_path)["labels"] is None
