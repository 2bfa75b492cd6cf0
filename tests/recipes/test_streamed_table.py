"""A streamed table against the same table in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from plait.core.errors import ConfigError, DataError
from plait.core.structure import tensors
from plait.data import InMemory, loader
from plait.data.streams.table_stream import TableStream
from plait.recipes._streamed_table import StreamedTable
from plait.recipes.table import Table
from plait.tasks import Regression
from tests.data.streams.tables import INPUTS, TASKS, frame, written
from tests.recipes.media_tables import media_table

pytest.importorskip("pyarrow")

SETTINGS: dict[str, Any] = {"inputs": INPUTS, "tasks": TASKS, "split": "part"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "t.parquet")


def rows(data: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """All rows of a data set in their order."""
    if isinstance(data, TableStream):
        data = data.held()
    assert isinstance(data, InMemory)
    return data.inputs, data.targets


def same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one.nan_to_num(-7), other.nan_to_num(-7))


def test_the_values_are_those_of_the_table_in_memory(path: Path) -> None:
    streamed, table = StreamedTable(data=path, **SETTINGS), Table(data=path, **SETTINGS)
    assert [column.plain() for column in streamed.columns] == [c.plain() for c in table.columns]
    assert streamed.classes == table.classes
    ours, theirs = streamed.splits(), table.splits()
    assert isinstance(ours["train"], TableStream)
    for split in ("train", "val", "test"):
        (inputs, targets), (others, labels) = rows(ours[split]), rows(theirs[split])
        assert same(inputs, others)
        assert all(same(targets[task], labels[task]) for task in TASKS)


def test_shuffled_batches_hold_the_same_rows(path: Path) -> None:
    streamed, table = StreamedTable(data=path, **SETTINGS), Table(data=path, **SETTINGS)
    batches = list(loader(streamed.splits()["train"], batch_size=16, shuffle=True, buffer=64))
    found = torch.cat([batch[0] for batch in batches]).nan_to_num(-7)
    wanted = rows(table.splits()["train"])[0].nan_to_num(-7)
    assert not torch.equal(found, wanted)
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, wanted.tolist()))


def test_units_of_numbers_are_known_without_a_pass(path: Path) -> None:
    (task,) = StreamedTable(data=path, inputs=INPUTS, tasks={"y": "number"}, split="part").tasks()
    assert isinstance(task, Regression)
    labels = frame().query("part == 'train'")["y"].dropna()
    assert task.unit is not None
    assert bool(task.unit.fitted)
    assert float(task.unit.mean) == pytest.approx(labels.mean(), rel=1e-5)
    assert float(task.unit.scale) == pytest.approx(labels.std(ddof=0), rel=1e-5)


def test_parts_that_do_not_fit_are_streamed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.recipes._streamed_table.HELD", 100)
    held = StreamedTable(data=path, **SETTINGS).splits()["val"]
    assert isinstance(held, TableStream)
    batches = list(loader(held, batch_size=7, shuffle=False))
    wanted = rows(Table(data=path, **SETTINGS).splits()["val"])[0]
    assert same(torch.cat([batch[0] for batch in batches]), wanted)


def test_shares_hold_out_rows_of_their_own(path: Path) -> None:
    streamed = StreamedTable(data=path, inputs={"x": "number"}, tasks={"number": "number"})
    numbers = [rows(each)[1]["number"].flatten().tolist() for each in streamed.splits().values()]
    assert sorted(np.concatenate(numbers).tolist()) == list(range(600))
    assert len(numbers[0]) > 300
    assert min(map(len, numbers)) > 50
    assert "streamed: " in streamed.notes[0]


def test_a_folder_is_one_table(tmp_path: Path) -> None:
    for k in range(3):
        written(tmp_path / f"part-{k}.parquet", frame().iloc[200 * k : 200 * (k + 1)])
    streamed = StreamedTable(data=tmp_path, **SETTINGS)
    table = Table(data=frame(), **SETTINGS)
    assert same(rows(streamed.splits()["train"])[0], rows(table.splits()["train"])[0])


def test_bad_cells_are_named_with_file_and_row(tmp_path: Path) -> None:
    table = frame()
    row = int(np.flatnonzero(table["part"] == "train")[-3])
    table["y"] = table["y"].astype(object)
    table.loc[row, "y"] = "many"
    table["y"] = table["y"].astype(str)
    with pytest.raises(DataError, match=rf"'y' of .*t\.parquet must be a number.* row {row + 1}"):
        StreamedTable(data=written(tmp_path / "t.parquet", table), **SETTINGS).tasks()


def test_bad_tables_are_refused(tmp_path: Path, path: Path) -> None:
    with pytest.raises(DataError, match="Did you mean 'kind'"):
        StreamedTable(data=path, inputs=INPUTS, tasks={"kinds": {"kind": "category"}}).tasks()
    csv = tmp_path / "t.csv"
    csv.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"`stream` reads Parquet files and .*; found .*t\.csv"):
        StreamedTable(data=csv, **SETTINGS).tasks()
    with pytest.raises(DataError, match=r"none\.parquet is not there"):
        StreamedTable(data=tmp_path / "none.parquet", **SETTINGS).tasks()


def media(folder: Path) -> tuple[StreamedTable, Table]:
    settings: dict[str, Any] = {
        "inputs": {"photo": {"kind": "image", "size": 12}, "words": "tokens", "size": "number"},
        "tasks": {"outline": "mask", "parts": "token tags", "colour": "category"},
        "split": "split",
    }
    table = media_table(folder)
    written(folder / "t.parquet", table, group=5)
    return (
        StreamedTable(data=folder / "t.parquet", **settings),
        Table(data=folder / "t.parquet", **settings),
    )


def test_pictures_and_sentences_are_those_of_the_table_in_memory(tmp_path: Path) -> None:
    streamed, table = media(tmp_path)
    assert streamed.classes == table.classes
    assert [task.names for task in streamed.tasks()] == [task.names for task in table.tasks()]
    for split in ("train", "val", "test"):
        one, other = streamed.streams[split], table.splits()[split]
        ours = [example for piece in one.pieces(0, None) for example in list_of(piece.read())]
        theirs = list_of(other)
        assert len(one) == len(ours) == len(theirs)
        for left, right in zip(ours, theirs, strict=True):
            pairs = zip(tensors(list(left)), tensors(list(right)), strict=True)
            assert all(same(a, b) for a, b in pairs)
    batches = list(
        loader(
            streamed.splits()["train"],
            batch_size=4,
            shuffle=True,
            buffer=12,
            tasks=streamed.tasks(),
        )
    )
    assert sum(batch.examples for batch in batches) == len(table.rows["train"])


def list_of(data: Any) -> list[Any]:
    return [data[k] for k in range(len(data))]


def test_augmentation_of_a_stream_is_refused(path: Path) -> None:
    photo = {"kind": "image", "augment": {"flip": 0.5}}
    table = StreamedTable(data=path, inputs={"word": photo}, tasks={"y": "number"}, split="part")
    with pytest.raises(ConfigError, match="`augment` has no effect on a stream"):
        table.splits()
