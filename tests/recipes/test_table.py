from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.encoders import TabularEncoder
from plait.recipes import Table
from plait.tasks import Binary, Classification, MultiLabel, Regression, Survival
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


def test_tasks_have_the_class_of_their_kind_and_what_the_table_says_of_it() -> None:
    spend, plan, left, topics = opened().tasks()
    assert type(spend) is Regression
    assert type(plan) is Classification
    assert plan.names == ["basic", "plus", "pro"]
    assert type(left) is Binary
    assert left.names == ["here", "gone"]
    assert type(topics) is MultiLabel
    assert topics.names == ["x", "y"]


def test_balanced_weights_are_those_of_the_training_rows() -> None:
    problem = opened()
    (plan,) = (task for task in problem.tasks() if task.name == "plan")
    there = table().iloc[problem.rows["train"]]["plan"].value_counts()
    expected = there.sum() / (3 * there.loc[["basic", "plus", "pro"]])
    np.testing.assert_allclose(plan.class_weights, expected)


def test_balanced_weights_of_tags_are_a_pair_for_each() -> None:
    frame = table()
    frame["hot"] = ["yes", "no", "no", None] * 15
    tags = {"kind": "tags", "columns": ["hot", "member"], "class_weights": "balanced"}
    yes_no = {"kind": "yes/no", "column": "hot", "class_weights": "balanced"}
    problem = opened(frame, tasks={"two": tags, "one": yes_no}, inputs={"age": "number"})
    hot = frame.iloc[problem.rows["train"]]["hot"].value_counts()
    expected = pytest.approx([hot.sum() / 2 / hot["no"], hot.sum() / 2 / hot["yes"]])
    two, one = problem.tasks()
    assert two.class_weights[0] == expected
    assert one.class_weights == expected


def test_a_survival_has_cuts_at_quantiles_of_the_events_in_training() -> None:
    frame = table()
    frame["months"], frame["died"] = range(1, 61), ["yes", "no", None] * 20
    described = {"kind": "survival", "time": "months", "event": "died"}
    problem = opened(frame, tasks={"life": described}, inputs={"town": "category"})
    (life,) = problem.tasks()
    assert type(life) is Survival
    train = frame.iloc[problem.rows["train"]]
    events = train["months"][train["died"] == "yes"]
    assert set(life.cuts) <= set(events)
    assert life.cuts[-1] == events.max()
    assert life.count(problem.labels["life"]) == frame["died"].notna().sum()
    given = {**described, "cuts": [12, 24]}
    (life,) = opened(frame, tasks={"life": given}, inputs={"town": "category"}).tasks()
    assert life.cuts == [12, 24]


def test_bounded_numbers_are_a_low_and_a_high_end() -> None:
    frame = table()
    frame["dose"] = ["1.5", ">10", "<0.5", None] * 15
    described = {"dose": {"kind": "number", "bounded": True}}
    problem = opened(frame, tasks=described, inputs={"town": "category"})
    (dose,) = problem.tasks()
    assert dose.bounded
    labels = problem.labels["dose"]
    assert labels.shape == (60, 1, 2)
    assert dose.count(labels) == 45
    inf = float("inf")
    assert labels[:3, 0].tolist() == [[1.5, 1.5], [10, inf], [-inf, 0.5]]


def test_statistics_are_those_of_the_training_rows_alone() -> None:
    frame = table()
    problem = opened(frame)
    changed = frame.copy()
    changed.loc[frame["fold"] != "train", "age"] = "1000"
    assert opened(changed).columns == problem.columns
    changed.loc[frame["fold"] == "train", "age"] = "1000"
    assert opened(changed).columns != problem.columns


def test_rows_that_have_no_label_are_told_to_the_tasks() -> None:
    problem = opened()
    splits = problem.splits()
    counts = {
        task.name: sum(task.count(data.targets[task.name]) for data in splits.values())
        for task in problem.tasks()
        if not isinstance(task, Classification)
    }
    frame = table()
    assert counts["spend"] == frame["spend"].notna().sum()
    assert counts["left"] == frame["left"].notna().sum()


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
        ({"tasks": {"spend": "numbr"}}, ConfigError, "task 'spend': unknown kind 'numbr'"),
        ({"tasks": {}}, ConfigError, "the table has no task"),
        ({"tasks": {"empty": "number"}}, DataError, "task 'empty' has no label: the column"),
        ({"tasks": {"same": "category"}}, DataError, "task 'same' needs two classes; .* 'one'"),
        ({"split": "flod"}, DataError, "lacks 1 column that is needed: 'flod'"),
        (
            {"tasks": {"spend": {"kind": "number", "eror": "huber"}}},
            ConfigError,
            "task 'spend': Regression has no option 'eror'; .*'error'",
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
