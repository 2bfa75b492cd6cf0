"""Pictures and sounds in the cells of a data set."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import plait as library
from plait.core.errors import DataError
from plait.data.cell_files import CellFiles
from plait.data.hugging_face import HuggingFaceRows, store_of
from plait.recipes import Table
from plait.recipes._streamed_table import StreamedTable

datasets: Any = pytest.importorskip("datasets")

ROWS = 24


def pixels(row: int) -> np.ndarray[Any, Any]:
    return np.full((32, 32, 3), 10 * row, dtype=np.uint8)


def png(row: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(row)).save(file, "PNG")
    return file.getvalue()


def pictures(rows: int = ROWS, first: int = 0) -> Any:
    features = datasets.Features(
        {"photo": datasets.Image(), "bright": datasets.ClassLabel(names=["no", "yes"])}
    )
    numbers = range(first, first + rows)
    content = {
        "photo": [{"bytes": png(row), "path": None} for row in numbers],
        "bright": [int(row >= ROWS / 2) for row in numbers],
    }
    return datasets.Dataset.from_dict(content, features=features)


def test_the_files_are_those_of_the_cells() -> None:
    files = CellFiles({"": pictures(3)})
    names = list(files)
    assert names == [f"{row}//photo.jpg" for row in range(3)]
    assert len(files) == 3
    assert [files[name] for name in names] == [png(row) for row in range(3)]
    for name in ("3//photo.jpg", "0/train/photo.jpg", "0//other.jpg", "photo.jpg", "../a.jpg"):
        assert name not in files


def test_files_beside_the_data_set_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    data = datasets.Dataset.from_dict({"photo": [str(tmp_path / "a.png")]})
    files = CellFiles({"": data.cast_column("photo", datasets.Image())})
    with pytest.raises(DataError, match=r"'photo' has no content in row 1.*`data\.to_parquet"):
        files["0//photo.jpg"]


def test_splits_have_names_of_their_own() -> None:
    data = datasets.DatasetDict(train=pictures(2), test=pictures(2, first=5))
    rows, store = HuggingFaceRows(data), store_of(data)
    names = rows.frame()["photo"].tolist()
    assert names == [
        "0/train/photo.jpg",
        "1/train/photo.jpg",
        "0/test/photo.jpg",
        "1/test/photo.jpg",
    ]
    assert [store.read(name) for name in names] == [png(row) for row in (0, 1, 5, 6)]
    assert all(store.has(name) and store.holds(name) for name in names)


@pytest.mark.parametrize("kind", [Table, StreamedTable])
def test_pictures_are_read_as_inputs(kind: Any) -> None:
    photo = {"kind": "image", "size": 32}
    table = kind(data=pictures(), inputs={"photo": photo}, tasks={"bright": "yes/no"})
    train = table.splits()["train"]
    (first, targets), count = next(iter(examples(train))), len(train)
    value = float(first[0, 0, 0])
    row = round((value * 0.25 + 0.5) * 25.5)
    wanted = (torch.from_numpy(pixels(row)).permute(2, 0, 1) / 255 - 0.5) / 0.25
    assert torch.allclose(first, wanted)
    assert targets["bright"].tolist() == [float(row >= ROWS / 2)]
    assert count > ROWS / 3


def examples(data: Any) -> Any:
    return data if hasattr(data, "pieces") else (data[k] for k in range(len(data)))


def test_a_data_set_of_pictures_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = library.fit(pictures(), "bright", epochs=1, progress=False, device="cpu", gallery=0)
    assert run.predict(pictures())["bright"].isin(["no", "yes"]).all()
    assert set(run.evaluate(pictures()).metrics) == {"bright"}
