import math

import numpy as np
import pandas as pd
import pytest
import torch

from plait.core.errors import DataError
from plait.data.table.described_inputs import read_inputs
from plait.data.table.encode import encode, encode_splits, is_wide
from plait.data.table.fit import fit_columns

TRAIN = pd.DataFrame(
    {
        "n": [1.0, 2.0, None, 4.0],
        "c": ["x", "y", "x", "y"],
        "t": ["a;b", "b", "a", None],
        "v": ["1 2", "3 4", "5 6", "7 8"],
        "other": [0, 0, 0, 0],
    }
)
KINDS = {"n": "number", "c": "category", "t": "tags", "v": "numbers"}
COLUMNS = fit_columns(TRAIN, read_inputs(KINDS, TRAIN.columns))


def test_rows_are_codes_and_numbers_in_the_order_of_the_columns() -> None:
    new = pd.DataFrame(
        {"v": ["9 9", None], "c": ["z", None], "t": ["c", "b"], "n": [None, "7"], "x": [1, 2]}
    )
    nan = math.nan
    expected = torch.tensor([[nan, 1, 0, 0, 9, 9], [7, 0, 0, 1, nan, nan]])
    torch.testing.assert_close(encode(new, COLUMNS), expected, equal_nan=True)
    assert encode(TRAIN, COLUMNS)[:, 1].tolist() == [2, 3, 2, 3]


def test_a_row_does_not_depend_on_the_others() -> None:
    whole = encode(TRAIN, COLUMNS)
    for row in range(len(TRAIN)):
        alone = encode(TRAIN.iloc[[row]], COLUMNS)
        torch.testing.assert_close(alone[0], whole[row], equal_nan=True)


def test_numbers_far_from_zero_keep_their_digits() -> None:
    frame = pd.DataFrame({"t": [1_700_000_000.0, 1_700_000_000.25, 1_700_000_000.5]})
    columns = fit_columns(frame, read_inputs({"t": "number"}, ["t"]))
    assert is_wide(columns)
    assert not is_wide(COLUMNS)
    assert encode(frame, columns)[:, 0].tolist() == frame["t"].tolist()


def test_tables_without_the_columns() -> None:
    with pytest.raises(DataError, match=r"new.csv lacks 3 columns that are needed: 'c', 't', 'v'"):
        encode(TRAIN[["n", "other"]], COLUMNS, source="new.csv")


def test_splits_are_read_at_once_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(encode.__globals__, "BLOCK", 3)
    frame = pd.DataFrame(
        {
            "n": np.arange(10) / 2,
            "w": list("aabbccaadd"),
            "v": ["1 2"] * 9 + [None],
            "t": ["x;y", "x", "", "y", "x;y"] * 2,
        }
    )
    kinds = {"n": "number", "w": "category", "v": "numbers", "t": "tags"}
    columns = fit_columns(frame, read_inputs(kinds, list(frame)))
    splits = {"train": np.array([0, 2, 3, 4, 7]), "val": np.array([9, 1]), "test": np.arange(0)}
    found = encode_splits(frame, columns, splits)
    assert found["test"].shape == (0, found["train"].shape[1])
    for split in ("train", "val"):
        expected = encode(frame.iloc[splits[split]], columns)
        torch.testing.assert_close(found[split], expected, rtol=0, atol=0, equal_nan=True)
