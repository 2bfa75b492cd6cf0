"""A reproduced table is the same after writing and reading, its gaps included."""

import json
import math
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.runs.folder import REPRODUCED
from plait.runs.reproduced import (
    Figures,
    Reproduced,
    ReproducedRow,
    read_reproduced,
    write_reproduced,
)


def made() -> Reproduced:
    own = Figures(ours=[96.5, 97.0], published=96.46, agreement="as published")
    gap = Figures(ours=[math.nan, 95.0])
    return Reproduced(
        name="digits",
        title="Digits",
        source="A paper, 2018",
        differs=["The rate is ours."],
        length="2 epochs",
        columns=["left", "right"],
        within=0.5,
        rows=[ReproducedRow(name="single", title="Single-task", figures=[own, gap])],
        seeds=[0, 1],
        command="plait reproduce digits",
        seconds=12.5,
        settings={"epochs": 2},
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_reproduced(tmp_path, made())
    text = (tmp_path / REPRODUCED).read_text()
    assert json.loads(text)["rows"][0]["figures"][1]["published"] is None
    found = read_reproduced(tmp_path)
    assert repr(found) == repr(made())  # NaN is never equal to itself


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / REPRODUCED).write_text("{}")
    with pytest.raises(DataError, match="plait reproduce"):
        read_reproduced(tmp_path)
