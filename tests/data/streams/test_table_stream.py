"""Rows of a split from row groups, whatever the sizes of groups and slices."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from plait.core.errors import DataError
from plait.data import InMemory, loader
from plait.data.streams.row_splits import row_splits
from plait.data.streams.table_stream import SLICE_ROWS, TableStream, rows_at_once
from plait.data.table.parquet import ParquetFiles
from tests.data.streams.tables import frame, written

pytest.importorskip("pyarrow")


def encode(rows: pd.DataFrame, source: str) -> InMemory:
    numbers = torch.tensor(rows[["number"]].to_numpy())
    return InMemory(numbers.float(), {"y": numbers})


def stream(path: Path, split: str = "train", rows: int = 16, rule: Any = "part") -> TableStream:
    source = ParquetFiles(path)
    own, counts, _ = row_splits(source, rule, rows)
    return TableStream(source, encode, ["number"], rule=own, counts=counts, split=split, rows=rows)


def numbers(data: TableStream, epoch: int = 0, skip: int = 0, **options: Any) -> list[int]:
    batches = loader(data, **{"batch_size": 8, "shuffle": True, "buffer": 60, **options})
    batches.start_at(epoch, skip)  # type: ignore[attr-defined]
    return [row for _, targets in batches for row in targets["y"].reshape(-1).tolist()]


@pytest.mark.parametrize("group", [1000, 50, 9])
@pytest.mark.parametrize("rows", [1000, 16])
def test_every_row_of_a_split_comes_once(tmp_path: Path, group: int, rows: int) -> None:
    path = written(tmp_path / "t.parquet", group=group)
    for split, word in (("train", "train"), ("val", "valid"), ("test", "TEST")):
        data = stream(path, split, rows)
        wanted = frame().query(f"part == {word!r}")["number"].tolist()
        assert len(data) == data.examples == len(wanted)
        assert numbers(data, shuffle=False) == wanted
        assert data.held().targets["y"].reshape(-1).tolist() == wanted
        orders = [numbers(data, epoch) for epoch in (0, 1)]
        assert orders[0] != orders[1] != wanted
        assert [sorted(order) for order in orders] == [wanted, wanted]
        assert numbers(data, 1) == orders[1]


@pytest.mark.parametrize("rule", ["part", None], ids=["column", "shares"])
def test_it_goes_on_at_any_batch(tmp_path: Path, rule: Any) -> None:
    data = stream(written(tmp_path / "t.parquet"), rule=rule)
    whole = numbers(data, 3)
    for skip in (0, 1, 7, 20, 60, 100):
        assert numbers(data, 3, skip) == whole[8 * skip :]


def test_groups_without_a_row_of_the_split_are_not_read(tmp_path: Path) -> None:
    table = frame().sort_values("part", kind="stable")
    data = stream(written(tmp_path / "t.parquet", table), "val")
    read: list[int] = []
    frames = data.source.frames

    def watched(group: int, *options: Any) -> Any:
        read.append(group)
        return frames(group, *options)

    data.source.frames = watched  # type: ignore[method-assign]
    numbers(data)
    first = (table["part"] != "valid").sum() // 50
    assert sorted(read) == list(range(first, 12))


def test_a_file_that_is_cut_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet")
    data = stream(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"t\.parquet cannot be read as a Parquet file"):
        numbers(data)


def test_wide_rows_are_read_in_small_slices(tmp_path: Path) -> None:
    class Source:
        bytes_per_row = 8.0

    source: Any = Source()
    assert rows_at_once(source) == SLICE_ROWS
    source.bytes_per_row = 2.0**25
    assert rows_at_once(source) == 2
    source.bytes_per_row = 2.0**30
    assert rows_at_once(source) == 1
