"""A digest follows the content, and nothing but the content."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.data import fingerprint
from plait.data.fingerprint import ABSENT, digest_of_files, digest_of_frame, digest_of_path


def data_at(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "table.csv").write_text("a,b\n1,2\n")
    (folder / "images" / "one.png").write_bytes(b"one")
    return folder


def test_a_copy_elsewhere_has_the_same_digest(tmp_path: Path) -> None:
    one, other = data_at(tmp_path / "one"), data_at(tmp_path / "other")
    os.utime(other / "table.csv", (1, 1))
    assert digest_of_path(one) == digest_of_path(other)
    assert digest_of_path(one / "table.csv") == digest_of_path(str(other / "table.csv"))
    assert digest_of_path(one).startswith("content:")


@pytest.mark.parametrize("change", ["content", "same size", "name", "new", "gone"])
def test_a_change_is_seen(change: str, tmp_path: Path) -> None:
    folder = data_at(tmp_path / "data")
    before = digest_of_path(folder)
    image = folder / "images" / "one.png"
    if change == "content":
        image.write_bytes(b"another")
    elif change == "same size":
        image.write_bytes(b"two")
        os.utime(image, (1, 1))
    elif change == "name":
        image.rename(folder / "images" / "two.png")
    elif change == "new":
        (folder / "images" / "two.png").write_bytes(b"two")
    else:
        image.unlink()
    assert digest_of_path(folder) != before


def test_runs_and_hidden_files_beside_the_data_do_not_count(tmp_path: Path) -> None:
    folder = data_at(tmp_path / "data")
    before = digest_of_path(folder)
    run = folder / "runs" / "first"
    (run / "model").mkdir(parents=True)
    (run / "events.jsonl").write_text("{}\n")
    (run / "model" / "config.json").write_text("{}")
    (folder / ".DS_Store").write_text("hidden")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("hidden")
    assert digest_of_path(folder) == before


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    folder, elsewhere = data_at(tmp_path / "data"), data_at(tmp_path / "elsewhere")
    (folder / "more").symlink_to(elsewhere)
    (folder / "images" / "circle").symlink_to(folder)
    before = digest_of_path(folder)
    (elsewhere / "table.csv").write_text("a,b\n1,3\n4,5\n")
    assert digest_of_path(folder) != before


def test_over_the_limit_names_sizes_and_times_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "WHOLE", 10)
    monkeypatch.setattr(fingerprint, "_content", lambda *_: pytest.fail("the content was read"))
    folder = data_at(tmp_path / "data")
    before = digest_of_path(folder)
    assert before.startswith("listing:")
    folder = folder.rename(tmp_path / "moved")
    assert digest_of_path(folder) == before
    os.utime(folder / "table.csv", (1, 1))
    assert digest_of_path(folder) != before


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n")
    fingerprint._content.cache_clear()
    first = digest_of_path(path)
    assert digest_of_path(path) == first
    assert fingerprint._content.cache_info().misses == 1
    path.write_text("a\n12\n")
    assert digest_of_path(path) != first
    assert fingerprint._content.cache_info().misses == 2


def test_what_is_not_there_is_absent(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert digest_of_path(tmp_path / "none") == ABSENT
    assert digest_of_path(tmp_path / "empty") == ABSENT
    assert digest_of_files({"a": tmp_path / "none"}) == ABSENT


def test_the_names_are_part_of_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("one")
    assert digest_of_files({"a": path}) != digest_of_files({"b": path})


# --- tables in memory -------------------------------------------------------------------------


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": [1.0, np.nan, 3.0],
            "word": ["a", None, "b"],
            "tags": [["x"], ["x", "y"], []],
            "kind": pd.Categorical(["u", "v", "u"]),
            "vector": [np.arange(2000), np.arange(2000), np.zeros(1)],
        }
    )


def test_a_frame_of_equal_values_has_the_same_digest() -> None:
    assert digest_of_frame(frame()) == digest_of_frame(frame())
    assert digest_of_frame(frame().set_axis([7, 8, 9])) == digest_of_frame(frame())


def vector() -> np.ndarray[Any, Any]:
    changed = np.arange(2000)
    changed[1000] = -1  # where the text of a long array has dots
    return changed


@pytest.mark.parametrize(
    ("column", "value"),
    [("number", 2.0), ("word", "c"), ("tags", ["z"]), ("kind", "v"), ("vector", vector())],
)
def test_one_other_cell_is_another_digest(column: str, value: Any) -> None:
    other = frame()
    other.at[0, column] = value
    assert digest_of_frame(other) != digest_of_frame(frame())


def test_the_order_of_rows_and_the_names_of_columns_count() -> None:
    assert digest_of_frame(frame().iloc[::-1]) != digest_of_frame(frame())
    assert digest_of_frame(frame().rename(columns={"word": "term"})) != digest_of_frame(frame())


def test_a_data_set_of_hugging_face_brings_its_own() -> None:
    datasets = pytest.importorskip("datasets")
    one, same, other = (datasets.Dataset.from_dict({"a": each}) for each in ([1], [1], [2]))
    assert digest_of_frame(one) == digest_of_frame(same) != digest_of_frame(other)
    train, test = (datasets.DatasetDict({split: one}) for split in ("train", "test"))
    assert digest_of_frame(train) != digest_of_frame(test)
