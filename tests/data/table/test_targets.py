import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from plait.core.errors import ConfigError, DataError
from plait.data.table.described import read_target, read_targets
from plait.data.table.targets import check_resolved, classes_of, labels_of

NAN = math.nan
FRAME = pd.DataFrame(
    {
        "price": ["3.5", None, "?", "1"],
        "kind": ["b", "a", None, "b"],
        "grade": [10, 9, 10, 2],
        "sold": ["yes", "no", None, "yes"],
        "tags": ["x;y", "y", None, "z"],
        "vec": ["1 2", "3 4", None, "5 6"],
        "one": [1, 0, 1, None],
        "two": [0, 0, 1, 1],
        "bound": [">3", "2", "<1", None],
        "days": [3.0, 4.0, None, 1.0],
    }
)


def labels(name: str, value: Any) -> tuple[list[str], list[Any]]:
    target = read_target(name, value, list(FRAME.columns))
    classes = classes_of(FRAME, target)
    return classes, labels_of(FRAME, target, classes).tolist()


@pytest.mark.parametrize(
    ("name", "value", "classes", "expected"),
    [
        ("price", {"kind": "number", "missing": "?"}, [], [[3.5], [NAN], [NAN], [1]]),
        ("kind", "category", ["a", "b"], [1, 0, -100, 1]),
        ("grade", "category", ["2", "9", "10"], [2, 1, 2, 0]),
        ("sold", "yes/no", ["no", "yes"], [[1], [0], [NAN], [1]]),
        ("kind", {"kind": "yes/no", "positive": "b"}, ["a", "b"], [[1], [0], [NAN], [1]]),
        ("ten", {"kind": "yes/no", "column": "grade", "positive": 10}, ["not 10", "10"], None),
        ("tags", "tags", ["x", "y", "z"], [[1, 1, 0], [0, 1, 0], [NAN] * 3, [0, 0, 1]]),
        ("both", {"kind": "tags", "columns": ["one", "two"]}, ["one", "two"], None),
        ("vec", "numbers", [], [[1, 2], [3, 4], [NAN] * 2, [5, 6]]),
        ("pair", {"kind": "numbers", "columns": "[ot]*[eo]"}, [], [[1, 0], [0, 0], [1, 1], None]),
        ("bound", {"kind": "number", "bounded": True}, [], None),
        ("life", {"kind": "survival", "time": "days", "event": "one"}, [], None),
    ],
)
def test_labels(name: str, value: Any, classes: list[str], expected: Any) -> None:
    found_classes, found = labels(name, value)
    assert found_classes == classes
    for row, wanted in zip(found, expected or [], strict=bool(expected)):
        if wanted is not None:
            assert torch.equal(
                torch.tensor(row).nan_to_num(-7), torch.tensor(wanted).float().nan_to_num(-7)
            )


def test_labels_of_other_shapes() -> None:
    inf = math.inf
    assert labels("bound", {"kind": "number", "bounded": True})[1][:3] == [
        [[3, inf]],
        [[2, 2]],
        [[-inf, 1]],
    ]
    _, rows = labels("life", {"kind": "survival", "time": "days", "event": "one"})
    assert rows[:2] == [[3, 1], [4, 0]]
    _, ten = labels("ten", {"kind": "yes/no", "column": "grade", "positive": 10})
    assert ten == [[1], [0], [1], [0]]


@pytest.mark.parametrize("value", [True, "yes", ["yes", "ja"]])
def test_yaml_reads_yes_as_true(value: Any) -> None:
    assert labels("sold", {"kind": "yes/no", "positive": value})[1][0] == [1]
    assert labels("sold", {"kind": "yes/no", "positive": False})[1][:2] == [[0], [1]]


def test_rows_in_which_a_task_does_not_count_have_no_label() -> None:
    for name, kind, missing in (("price", "number", NAN), ("kind", "category", -100)):
        frame = FRAME.assign(price=[1.0, 2.0, 3.0, 4.0], kind=list("abab"))
        target = read_target(name, {"kind": kind, "where": "sold"}, list(frame.columns))
        found = labels_of(frame, target, ["a", "b"]).flatten().tolist()
        there = [value != missing and not math.isnan(value) for value in map(float, found)]
        assert there == [True, False, False, True]


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("kind", "categry", ConfigError, "tasks.kind: unknown kind 'categry'"),
        ("kidn", {}, ConfigError, "tasks.kidn: a new task needs a `kind`. Did you mean 'kind'"),
        ("x", {"kind": "number", "column": "prise"}, DataError, "'prise', .* mean 'price'"),
        ("price", {"kind": "number", "positive": 1}, ConfigError, "`positive` has no effect"),
        ("x", {"kind": "number", "columns": ["price"]}, ConfigError, "`columns` is for tags"),
        ("x", {"kind": "survival", "time": "days"}, ConfigError, "needs `event`, a column"),
        ("price", {"kind": "number", "where": "cliked"}, DataError, "reads the column 'cliked'"),
    ],
)
def test_what_is_no_target(name: str, value: Any, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        read_targets({name: value}, list(FRAME.columns))


def test_a_class_that_the_training_did_not_have() -> None:
    target = read_target("kind", "category", ["kind"])
    new = pd.DataFrame({"kind": ["a", "c"]})
    with pytest.raises(DataError, match=r"new.csv has the class 'c' in row 2, .* known: a, b"):
        labels_of(new, target, ["a", "b"], source="new.csv")


def test_three_words_are_no_yes_or_no() -> None:
    with pytest.raises(DataError, match=r"'a', 'b', 'c'. Say which means yes"):
        target = read_target("k", "yes/no", ["k"])
        labels_of(pd.DataFrame({"k": ["a", "b", "c"]}), target)


def test_where_a_task_counts_is_yes_or_no() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "seen": ["yes", None, "clicked"]})
    target = read_target("y", {"kind": "number", "where": "seen"}, ["y", "seen"])
    with pytest.raises(DataError, match=r"'seen' of t\.csv .* yes or no; found 'clicked' in row 3"):
        labels_of(frame, target, source="t.csv")
    found = labels_of(frame.assign(seen=[1.0, NAN, 0.0]), target)
    assert found[:, 0].isnan().tolist() == [False, True, True]


def test_a_time_is_not_negative() -> None:
    frame = pd.DataFrame({"t": [3.0, -1.0], "e": [1, 0]})
    target = read_target("s", {"kind": "survival", "time": "t", "event": "e"}, ["t", "e"])
    with pytest.raises(DataError, match=r"column 't' .* at least 0; found '-1.0' in row 2"):
        labels_of(frame, target)


@pytest.mark.parametrize(
    ("values", "lost"),
    [
        ([1e12, 1e12 + 1, 1e12 + 5], True),
        ([1.6e9, 1.6e9 + 60, 1.6e9 + 600], True),
        ([1e12, 1.0, 2.0], False),
        ([1.6e9, 1.5e9, 1.4e9], False),
        ([1e12, 1e12], False),
        ([NAN], False),
    ],
)
def test_numbers_that_labels_would_round_to_one(values: list[float], lost: bool) -> None:
    frame, target = pd.DataFrame({"y": values}), read_target("y", "number", ["y"])
    if lost:
        with pytest.raises(DataError, match=r"'y' of t\.csv has numbers around .* Subtract"):
            check_resolved(frame, target, "t.csv")
    else:
        check_resolved(frame, target, "t.csv")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("kind", {"kind": "category", "classes": ["c", "b", "a"]}, [1, 2, -100, 1]),
        ("grade", {"kind": "category", "classes": [2, 3, 9, 10]}, [3, 2, 3, 0]),
        (
            "tags",
            {"kind": "tags", "classes": ["z", "w", "y", "x"]},
            [[0, 0, 1, 1], [0, 0, 1, 0], [NAN] * 4, [1, 0, 0, 0]],
        ),
    ],
)
def test_classes_that_are_stated_are_those_whatever_the_cells_have(
    name: str, value: dict[str, Any], expected: list[Any]
) -> None:
    classes, found = labels(name, value)
    assert classes == [str(each) for each in value["classes"]]
    np.testing.assert_equal(found, expected)


@pytest.mark.parametrize(
    ("name", "given", "error", "message"),
    [
        ("kind", ["a", "c"], DataError, "has the class 'b', which the `classes` of task 'kind'"),
        ("tags", ["x", "y"], DataError, "has the class 'z', which the `classes` of task 'tags'"),
        ("kind", "a", ConfigError, "tasks.kind: `classes` must be a list of different words"),
        ("kind", ["a", "b", "a"], ConfigError, "must be a list of different words"),
        ("kind", [], ConfigError, "must be a list of different words"),
    ],
)
def test_stated_classes_that_cannot_be_are_refused(
    name: str, given: Any, error: type[Exception], message: str
) -> None:
    kind = "tags" if name == "tags" else "category"
    with pytest.raises(error, match=message):
        labels(name, {"kind": kind, "classes": given})
