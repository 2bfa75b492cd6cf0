from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import ConfigError, DataError
from plait.data.table.divide import divide

ROWS = 200
FRAME = pd.DataFrame(
    {
        "x": np.arange(ROWS) // 2,  # each input is there twice
        "who": np.arange(ROWS) % 20,
        "part": np.resize(["Train", "train", "dev", "TEST"], ROWS),
        "fold": np.arange(ROWS) % 3,
    }
)
LABELS = {"y": np.arange(ROWS, dtype=np.float32)[:, None]}


def rows(split: Any) -> dict[str, np.ndarray]:
    found = divide(FRAME, split, LABELS, ["x"]).rows
    assert np.array_equal(np.sort(np.concatenate(list(found.values()))), np.arange(ROWS))
    return found


def test_a_column_says_it() -> None:
    expected = np.flatnonzero(FRAME["part"] == "dev")
    for split in ("part", {"column": "part"}):
        assert np.array_equal(rows(split)["val"], expected)
    words = {0: "train", 1: "val", 2: "test"}
    assert np.array_equal(
        rows({"column": "fold", "words": words})["test"], np.flatnonzero(FRAME["fold"] == 2)
    )


def test_shares_with_equal_inputs_together() -> None:
    found = rows({"val": 0.1, "test": 0.2})
    assert [len(each) for each in found.values()] == pytest.approx([140, 20, 40], abs=2)
    values = [set(FRAME["x"][each]) for each in found.values()]
    assert not (values[0] & values[1] or values[0] & values[2] or values[1] & values[2])
    assert [len(each) for each in rows(None).values()] == pytest.approx([140, 30, 30], abs=2)
    again, other = rows({"seed": 0}), rows({"seed": 1})
    assert np.array_equal(rows(None)["val"], again["val"])
    assert not np.array_equal(again["val"], other["val"])


def test_groups_stay_together() -> None:
    found = rows({"group": "who", "test": 0.3})
    values = [set(FRAME["who"][each]) for each in found.values()]
    assert sum(map(len, values)) == 20
    numbers = divide(FRAME, {"group": "who"}, LABELS, ["x"]).groups
    assert numbers is not None
    assert pd.Series(numbers).groupby(FRAME["who"].to_numpy()).nunique().eq(1).all()
    assert len(set(numbers.tolist())) == 20
    assert divide(FRAME, None, LABELS, ["x"]).groups is None


def test_rows_without_a_group_are_apart() -> None:
    frame = FRAME.assign(who=[f"p{row % 20}" if row % 2 else None for row in range(ROWS)])
    found = divide(frame, {"group": "who"}, LABELS, ["x"]).rows
    named = [set(frame["who"][each].dropna()) for each in found.values()]
    assert sum(map(len, named)) == 10
    assert all(frame["who"][each].isna().any() for each in found.values())


def test_twins_are_divided_where_they_are_the_rule() -> None:
    frame = FRAME.assign(x=np.arange(ROWS) % 5)
    division = divide(frame, None, LABELS, ["x"])
    assert [len(each) for each in division.rows.values()] == [140, 30, 30]
    assert "only 5 of 200 rows have different inputs" in division.notes[0]


@pytest.mark.parametrize(
    ("split", "error", "words"),
    [
        ({"vall": 0.1}, ConfigError, "unknown option of `split` 'vall'; .*Did you mean 'val'"),
        ({"val": 1.5}, ConfigError, "`split.val` must be a share between 0 and 1; found 1.5"),
        ({"column": "part", "val": 0.2}, ConfigError, "`split.val` has no effect beside a column"),
        ({"words": {"a": "train"}}, ConfigError, "`split.words` is about a `column`"),
        ({"seed": -1}, ConfigError, "`split.seed` must be a whole number"),
        ({"val": 0.6, "test": 0.6}, ConfigError, "fractions must be positive"),
        ("prat", DataError, "t.csv lacks 1 column that is needed: 'prat'"),
        ("fold", DataError, "must say train, val or test in each row; found '0' in row 1"),
    ],
)
def test_what_is_no_split(split: Any, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        divide(FRAME, split, LABELS, ["x"], source="t.csv")
