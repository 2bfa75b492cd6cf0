"""Masks and maps are written beside the table of predictions, in the size of their pictures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from plait.core.errors import ConfigError
from plait.experiments.predicted_files import PredictedFiles, of_own_size

MASK = np.array([[0, 1], [2, 1]], dtype=np.uint8)


def frame(rows: int = 2) -> pd.DataFrame:
    found = pd.DataFrame({"kind": ["a"] * rows})
    found["outline"] = pd.Series([MASK] * rows, dtype=object)
    found["depth/1"] = pd.Series([MASK[None] / 2] * rows, dtype=object)
    return found


def test_arrays_get_the_size_of_their_pictures() -> None:
    found = of_own_size(frame(), [(4, 2), (2, 6)])
    assert found["outline"][0].tolist() == [[0, 0, 1, 1], [2, 2, 1, 1]]
    assert found["outline"][1].shape == (6, 2)
    assert found["depth/1"][1].shape == (1, 6, 2)
    assert of_own_size(frame(), [])["outline"][0] is MASK


def test_files_are_numbered_by_row_and_read_back(tmp_path: Path) -> None:
    with PredictedFiles(tmp_path / "out.csv.gz") as files:
        first, second = files.written(frame()), files.written(frame())
    assert first["outline"].tolist() == [f"out_files/outline/00000{k}.png" for k in (1, 2)]
    assert second["depth/1"].tolist() == [f"out_files/depth_1/00000{k}.npy" for k in (3, 4)]
    for path in [*first["outline"], *second["outline"]]:
        assert np.array_equal(np.asarray(Image.open(tmp_path / path)), MASK)
    assert np.array_equal(np.load(tmp_path / second["depth/1"][0]), MASK[None] / 2)
    assert not list(tmp_path.glob("*.partial"))


def test_a_folder_of_other_predictions_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out_files").mkdir()
    with (
        pytest.raises(ConfigError, match="out_files is there already"),
        PredictedFiles(tmp_path / "out.csv") as files,
    ):
        files.written(frame())
    assert not list((tmp_path / "out_files").iterdir())


def test_what_a_killed_process_has_left_is_no_prediction(tmp_path: Path) -> None:
    (tmp_path / "out_files.partial" / "outline").mkdir(parents=True)
    (tmp_path / "out_files.partial" / "outline" / "000099.png").touch()
    with PredictedFiles(tmp_path / "out.csv") as files:
        files.written(frame())
    assert len(list((tmp_path / "out_files" / "outline").iterdir())) == 2


def test_two_tasks_do_not_write_into_one_folder(tmp_path: Path) -> None:
    rows = frame()
    rows["depth:1"] = rows["depth/1"]
    with (
        pytest.raises(ConfigError, match="'depth/1' and 'depth:1' cannot both be written"),
        PredictedFiles(tmp_path / "out.csv") as files,
    ):
        files.written(rows)
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_predictions_that_failed(tmp_path: Path) -> None:
    with pytest.raises(KeyError), PredictedFiles(tmp_path / "out.csv") as files:
        files.written(frame())
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_tables_without_pictures_have_no_folder(tmp_path: Path) -> None:
    with PredictedFiles(tmp_path / "out.csv") as files:
        assert files.written(frame()[["kind"]]).equals(frame()[["kind"]])
    assert not list(tmp_path.iterdir())
