"""The places of Landmine: mines in every split of every field."""

from pathlib import Path

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.recipes._fields import read_fields
from tests.recipes.table_folders import landmine, write

SPLITS = ("train", "val", "test")


def test_every_place_is_in_one_table_of_its_field(tmp_path: Path) -> None:
    arrays = landmine()
    fields = read_fields(write(tmp_path, "landmine", arrays), split=0)
    assert fields.names == ["field-00", "field-01", "field-02"]
    for number, name in enumerate(fields.names):
        own = arrays["task"] == number
        inputs = np.concatenate([fields.splits[split].inputs[name] for split in SPLITS])
        assert sorted(map(tuple, inputs)) == sorted(map(tuple, arrays["x"][own]))
        for split in SPLITS:
            labels = fields.splits[split].targets[name]
            assert labels.shape[1:] == (1,)
            assert set(labels.flatten().tolist()) == {0, 1}


def test_a_field_without_enough_mines_is_refused(tmp_path: Path) -> None:
    arrays = landmine()
    mines = np.flatnonzero((arrays["task"] == 1) & (arrays["y"] == 1))
    arrays["y"][mines[2:]] = 0
    with pytest.raises(DataError, match="each need a row of field-01 with a mine; found 2 in all"):
        read_fields(write(tmp_path, "landmine", arrays), split=0)


def test_a_label_that_is_no_yes_or_no_is_refused(tmp_path: Path) -> None:
    arrays = landmine()
    arrays["y"][7] = 2
    with pytest.raises(DataError, match=r"`y` .* must be 0 or 1; found 2 in row 7"):
        read_fields(write(tmp_path, "landmine", arrays), split=0)
