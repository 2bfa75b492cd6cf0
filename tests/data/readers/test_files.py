"""Files that rows name: inside of the folder, and there."""

import os
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.data.files import Store
from plait.data.readers.files import Files


def column(root: Path, *names: str) -> Files:
    return Files(Store(root), names, "photo", "pets.csv", first=10)


def test_names_of_files_that_are_there_pass(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "ä.png").write_bytes(b"x")
    found = column(tmp_path, "a b/ä.png", "", "a b/ä.png")
    found.check()
    assert found.read(0) == b"x"
    assert found.place(2) == f"{tmp_path}/a b/ä.png (row 12 of pets.csv, column 'photo')"


@pytest.mark.parametrize("name", ["../b.png", "/etc/hostname", "a/../../b.png"])
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    rule = r"row 11, column 'photo' of pets\.csv: a path must lead to a file inside"
    with pytest.raises(DataError, match=rule):
        column(tmp_path, "", name).check()


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    os.symlink(tmp_path / "secret.png", tmp_path / "inside" / "link.png")
    with pytest.raises(DataError, match="must lead to a file inside"):
        column(tmp_path / "inside", "link.png").check()


def test_a_file_that_is_missing_is_named_with_row_and_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"b\.png \(row 10 of pets\.csv, column 'photo'\): there"):
        column(tmp_path, "b.png").check()
    with pytest.raises(DataError, match=r"row 10 of pets\.csv.*must be a file that can be read"):
        column(tmp_path, "b.png").read(0)


def test_folders_are_divided_by_a_slash(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no such file\. Write / between folders"):
        column(tmp_path, "images\\b.png").check()
