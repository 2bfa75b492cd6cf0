"""Known tables in several files: a folder is read once, and a frame takes its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from plait.core.errors import DataError
from plait.recipes._known_folder import KnownFolder, short_training


class Notes(KnownFolder):
    defaults: ClassVar[Mapping[str, Any]] = {
        **short_training(2, 1e-3),
        "inputs": {"words": "tokens"},
        "tasks": {"kind": {"kind": "category"}},
        "split": "split",
    }

    def read_folder(self, folder: Path) -> pd.DataFrame:
        paths = sorted(folder.glob("*.txt"))
        rows = [(p.read_text(), p.stem[0], p.stem.partition("_")[2]) for p in paths]
        return pd.DataFrame(rows, columns=["words", "kind", "split"])


def test_a_folder_and_a_frame_are_read_alike(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        for kind in "ab":
            (tmp_path / f"{kind}_{split}.txt").write_text(f"it is {kind}")
    problem = Notes(data=str(tmp_path))
    assert Notes.needs_data
    assert problem.frame["words"].tolist() == ["it is a"] * 3 + ["it is b"] * 3
    assert [len(rows) for rows in problem.rows.values()] == [2, 2, 2]
    assert Notes(data=problem.frame).frame.equals(problem.frame)
    with pytest.raises(DataError, match=r"must be a file or a pandas\.DataFrame; found dict"):
        _ = Notes(data={"words": []}).frame  # type: ignore[arg-type]


def test_a_short_training_ends_at_a_rate_of_zero() -> None:
    found = short_training(7, 3e-3)
    assert found["epochs"] == 7
    assert found["optimizer"]["lr"] == found["scheduler"]["max_lr"] == 3e-3
    assert "patience" not in found
