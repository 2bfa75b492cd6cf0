"""What is known of a table before it is streamed, against the whole table."""

from pathlib import Path

import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.data.streams import sample as module
from plait.data.streams.row_splits import row_splits
from plait.data.streams.sample import classes_in, sample
from plait.data.table.described import read_targets
from plait.data.table.parquet import ParquetFiles
from plait.data.table.targets import classes_of
from tests.data.streams.tables import TASKS, frame, written

pytest.importorskip("pyarrow")


@pytest.mark.parametrize("group", [9, 50, 1000])
@pytest.mark.parametrize("rows", [1, 40, 120, 10_000])
def test_a_sample_is_spread_over_the_training_rows(tmp_path: Path, group: int, rows: int) -> None:
    source = ParquetFiles(written(tmp_path / "t.parquet", group=group))
    rule, _, _ = row_splits(source, "part", 16)
    found = sample(source, ["number", "x"], rule, rows=rows, at_once=16)
    train = frame().query("part == 'train'")
    assert list(found.columns) == ["number", "x"]
    assert found.index.tolist() == found["number"].tolist()
    assert set(found["number"]) <= set(train["number"])
    assert found["number"].is_monotonic_increasing
    assert found["number"].is_unique
    if rows == 10_000 and len(source.sizes) <= module.GROUPS:
        assert len(found) == len(train)
    elif rows <= len(train) / 2:
        assert rows * 0.5 <= len(found) <= rows + module.GROUPS
    if rows == 120:
        counts, _ = pd.cut(found["number"], 4, retbins=True)
        assert counts.value_counts().min() > 10


def test_all_splits_can_be_sampled(tmp_path: Path) -> None:
    source = ParquetFiles(written(tmp_path / "t.parquet"))
    assert len(sample(source, ["x"], None, rows=600, at_once=20)) == 600


def test_classes_are_those_of_all_rows(tmp_path: Path) -> None:
    table = frame()
    table.loc[599, ["kind", "tags"]] = ["rare", "q; seldom"]
    table["code"] = [10.0, 9.0, None] * 200  # sorted as numbers, in groups of other types
    source = ParquetFiles(written(tmp_path / "t.parquet", table))
    described = {
        **TASKS,
        "code": "category",
        "answer": {"kind": "yes/no", "column": "kind", "positive": "rare"},
        "both": {"kind": "tags", "columns": ["yes", "number"]},
    }
    targets = read_targets(described, list(table.columns))
    found = classes_in(source, targets, at_once=7)
    assert found == {target.name: classes_of(table, target) for target in targets}
    assert found["kind"] == ["high", "low", "mid", "rare"]
    assert found["code"] == ["9", "10"]


def test_too_many_classes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CLASSES", 100)
    source = ParquetFiles(written(tmp_path / "t.parquet"))
    targets = read_targets({"number": "category"}, list(frame().columns))
    with pytest.raises(DataError, match=r"'number' of t\.parquet has more than 100 different"):
        classes_in(source, targets, at_once=50)


def test_stated_classes_are_those_of_a_stream(tmp_path: Path) -> None:
    table = pd.DataFrame({"kind": ["b", "a"], "parts": ["N V", "V"]})
    table.to_parquet(tmp_path / "table.parquet")
    stated = {
        "kind": {"kind": "category", "classes": ["a", "b", "c"]},
        "parts": {"kind": "token tags", "classes": ["V", "O", "N"]},
    }
    source = ParquetFiles(tmp_path / "table.parquet")
    found = classes_in(source, read_targets(stated, ["kind", "parts"]), at_once=7)
    assert found == {name: each["classes"] for name, each in stated.items()}
    stated["kind"]["classes"] = ["a", "c"]
    with pytest.raises(DataError, match="has the class 'b', which the `classes` of task 'kind'"):
        classes_in(source, read_targets(stated, ["kind", "parts"]), at_once=7)
