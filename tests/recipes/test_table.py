from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.data import Row
from plait.encoders import TabularEncoder
from plait.recipes import Table
from tests.recipes.a_table import INPUTS, TASKS, table, written


def opened(frame: Any = None, **more: Any) -> Table:
    given = {"inputs": INPUTS, "tasks": TASKS, "split": "fold", **more}
    return Table(data=table() if frame is None else frame, **given)


def test_a_file_and_a_frame_are_the_same_problem(tmp_path: Path) -> None:
    from_frame, from_file = opened(), opened(written(tmp_path))
    assert from_frame.columns == from_file.columns
    for split, data in from_frame.splits().items():
        other = from_file.splits()[split]
        torch.testing.assert_close(data.inputs, other.inputs, equal_nan=True)
        for task, labels in data.targets.items():
            torch.testing.assert_close(labels, other.targets[task], equal_nan=True)


def test_statistics_are_those_of_the_training_rows_alone() -> None:
    frame = table()
    problem = opened(frame)
    changed = frame.copy()
    changed.loc[frame["fold"] != "train", "age"] = "1000"
    assert opened(changed).columns == problem.columns
    changed.loc[frame["fold"] == "train", "age"] = "1000"
    assert opened(changed).columns != problem.columns


def test_rows_of_one_group_say_that_they_belong_together() -> None:
    frame = table().assign(who=[f"p{row % 7}" for row in range(60)])
    problem = opened(frame, split={"column": "fold", "group": "who"})
    data = problem.splits()["test"]
    who = frame["who"].iloc[problem.rows["test"]]
    assert pd.crosstab(who.to_numpy(), data.groups.numpy()).gt(0).sum(axis=1).eq(1).all()
    assert len(data.groups.unique()) == who.nunique()
    assert opened(frame).splits()["test"].groups is None


def test_the_encoder_reads_the_rows() -> None:
    problem = opened()
    encoder = problem.encoder()
    assert isinstance(encoder, TabularEncoder)
    rows = problem.splits()["train"].inputs
    assert encoder.eval()(rows).isfinite().all()


def test_a_predicted_column_is_never_read() -> None:
    with pytest.raises(ConfigError, match="column 'spend' is an input, and task 'spend' reads"):
        _ = opened(inputs={**INPUTS, "spend": "number"}).inputs
    found = opened(inputs={"*": "category"}, tasks={"spend": "number"}, exclude=["id"]).inputs
    assert set(found) == set(table().columns) - {"spend", "fold", "id"}


def test_a_column_may_say_where_a_task_counts() -> None:
    problem = opened(
        tasks={"spend": {"kind": "number", "where": "member"}}, inputs={"age": INPUTS["age"]}
    )
    labels = problem.labels["spend"][:, 0]
    frame = table()
    expected = (frame["member"] == "yes") & frame["spend"].notna()
    assert (~labels.isnan()).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"inputs": {"agee": "number"}}, DataError, "lacks 1 column that is needed: 'agee'"),
        ({"inputs": {"town": "number"}}, DataError, "'town' of the frame must be a number; found"),
        ({"tasks": {"spend": "numbr"}}, ConfigError, "tasks.spend: unknown kind 'numbr'"),
        ({"tasks": {}}, ConfigError, "the table has no task"),
        ({"tasks": {"empty": "number"}}, DataError, "task 'empty' has no label: the column"),
        ({"tasks": {"same": "category"}}, DataError, "task 'same' needs two classes; .* 'one'"),
        ({"split": "flod"}, DataError, "lacks 1 column that is needed: 'flod'"),
        (
            {"tasks": {"spend": {"kind": "number", "eror": "huber"}}},
            ConfigError,
            "tasks.spend: Regression has no option 'eror'; .*'error'",
        ),
    ],
)
def test_descriptions_that_do_not_fit(change: dict[str, Any], error: type, words: str) -> None:
    frame = table().assign(empty=None, same="one")
    with pytest.raises(error, match=words):
        problem = opened(frame, **change)
        problem.splits()
        problem.tasks()


def test_frames_that_are_no_tables() -> None:
    with pytest.raises(DataError, match="the frame is empty"):
        opened(table().iloc[:0]).splits()
    twice = pd.concat([table(), table()[["age"]]], axis=1)
    with pytest.raises(DataError, match="several columns of the name 'age'"):
        opened(twice).splits()


def test_a_row_is_shown_as_it_is_written() -> None:
    problem = opened()
    for index, number in enumerate(problem.rows["test"]):
        (shown,) = problem.show_example("test", index, problem.splits()["test"][index][0])
        assert isinstance(shown, Row)
        assert set(shown.values) == {column.name for column in problem.columns}
        written = {name: problem.frame[name].iloc[number] for name in ("age", "town", "joined")}
        for name, cell in written.items():
            assert shown.values[name] == ("–" if pd.isna(cell) else str(cell))
