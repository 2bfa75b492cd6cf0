"""Data sets of Hugging Face as tables, against the rows that they give one by one."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data import hugging_face as module
from plait.data.hugging_face import HuggingFaceRows, is_hugging_face
from plait.data.table.frames import own_frame

datasets: Any = pytest.importorskip("datasets")

KINDS = ["no", "yes", "perhaps"]


def rows(count: int = 30) -> Any:
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "kind": datasets.ClassLabel(names=KINDS),
            "tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B"])),
            "x": datasets.Value("float32"),
            "list": datasets.Sequence(datasets.Value("float32"), length=2),
        }
    )
    numbers = list(range(count))
    content = {
        "text": [f"t{k}" for k in numbers],
        "kind": [k % 4 if k % 4 < 3 else -1 for k in numbers],
        "tags": [[0, 1][: k % 3] for k in numbers],
        "x": [None if k % 5 == 4 else k / 2 for k in numbers],
        "list": [[k, -k] for k in numbers],
    }
    return datasets.Dataset.from_dict(content, features=features)


def whole(data: HuggingFaceRows, columns: list[str], at_once: int) -> pd.DataFrame:
    groups = range(len(data.sizes))
    return pd.concat([each for k in groups for each in data.frames(k, columns, at_once)])


@pytest.mark.parametrize("at_once", [1, 4, 100])
@pytest.mark.parametrize("group", [7, 100])
def test_the_rows_are_those_of_the_data_set(
    at_once: int, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP", group)
    for data in (rows(), rows().shuffle(seed=1), rows(60).select(range(0, 60, 2))):
        source = HuggingFaceRows(data)
        assert source.columns == ["text", "kind", "tags", "x", "list"]
        assert sum(source.sizes) == 30
        assert max(source.sizes) <= group
        found = whole(source, ["kind", "x", "text", "tags", "list"], at_once)
        assert list(found.columns) == ["kind", "x", "text", "tags", "list"]
        assert found.index.tolist() == list(range(30))
        for place, row in enumerate(data):
            cells = found.iloc[place]
            if row["kind"] == -1:
                assert pd.isna(cells["kind"])
            else:
                assert cells["kind"] == KINDS[row["kind"]]
            assert cells["text"] == row["text"]
            assert cells["tags"] == [["O", "B"][tag] for tag in row["tags"]]
            assert list(cells["list"]) == row["list"]
            assert (row["x"] is None and np.isnan(cells["x"])) or cells["x"] == row["x"]


def test_a_frame_of_it_is_a_table() -> None:
    frame = own_frame(rows())
    assert frame["kind"].tolist()[:3] == KINDS
    assert frame["kind"].isna().sum() == 7
    assert len(frame) == 30


def test_splits_are_a_column() -> None:
    data = datasets.DatasetDict(train=rows(20), validation=rows(6), test=rows(4))
    source = HuggingFaceRows(data)
    frame = source.frame()
    assert frame["split"].tolist() == ["train"] * 20 + ["validation"] * 6 + ["test"] * 4
    assert frame["text"].tolist() == [f"t{k}" for n in (20, 6, 4) for k in range(n)]
    assert whole(source, ["split"], 3)["split"].tolist() == frame["split"].tolist()
    assert source.place(len(source.sizes) - 1) == "split 'test' of the data set"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (rows().to_iterable_dataset(), "must be a data set of known length; found Iterable"),
        (datasets.DatasetDict(train=rows(), unsupervised=rows()), r"`del data\['unsupervised'\]`"),
        (
            datasets.DatasetDict(train=rows(), test=rows().remove_columns("x")),
            "all splits must have the same columns; 'test' has text, kind",
        ),
        (datasets.DatasetDict(train=rows().rename_column("x", "split")), "has a column 'split'"),
        (rows(0), "is empty"),
    ],
)
def test_other_data_sets_are_refused(data: Any, message: str) -> None:
    assert is_hugging_face(data)
    with pytest.raises(DataError, match=message):
        HuggingFaceRows(data)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match=r"lacks 1 column that is needed: 'knid'.*'kind'"):
        next(HuggingFaceRows(rows()).frames(0, ["knid"], 4))


def test_a_frame_is_none_of_them() -> None:
    assert not is_hugging_face(pd.DataFrame())
