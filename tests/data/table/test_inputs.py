"""Readers of a table's inputs."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from plait.core.columns import Column
from plait.core.errors import DataError
from plait.data.files import Store
from plait.data.readers import Images, Sounds, Texts
from plait.data.table.inputs import files_of, readers_of
from tests.recipes.media_tables import media_table

COLUMNS = [
    Column("size", "number", center=[0.0], scale=[1.0], missing=[0.0], edges=[[0.0, 1.0]]),
    Column("photo", "image", size=[12, 12], channels=1),
    Column("voice", "sound", rate=4000, seconds=0.1),
    Column("words", "tokens", values=["red"], form=" "),
]


def test_each_input_has_its_reader(tmp_path: Path) -> None:
    frame = media_table(tmp_path, rows=4)
    found = readers_of(frame, COLUMNS, Store(tmp_path))
    assert [type(each) for each in found.values()] == [torch.Tensor, Images, Sounds, Texts]
    assert list(found) == ["row", "photo", "voice", "words"]
    assert all(len(each) == 4 for each in found.values())
    assert found["photo"][1].shape == (1, 12, 12)
    assert len(found["voice"][0].values) == 200


def test_a_cell_may_be_empty_and_rows_are_those_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    cells = pd.Series(["a.png", None, "none"], name="photo", index=[7, 8, 9])
    files = files_of(cells, Store(tmp_path), ["none"])
    assert list(files.names) == ["a.png", "", ""]
    assert files.first == 8
    with pytest.raises(DataError, match=r"row 9, column 'photo' of t\.csv: a path must lead"):
        files_of(cells.replace({None: "/x"}), Store(tmp_path), ["none"], source="t.csv")
