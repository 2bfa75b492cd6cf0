"""Readers of images like those of MNIST: both layouts agree, and strangers' files are bounded."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.recipes import _image_arrays
from plait.recipes._image_arrays import read_idx, read_images
from tests.recipes.image_folders import archive, arrays, four_files, idx

NAMES = ("mnist.npz",)


def test_an_archive_and_the_original_files_are_read_alike(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("npz", "packed", "plain")]
    for folder in folders:
        folder.mkdir()
    archive(folders[0])
    four_files(folders[1], packed=True)
    four_files(folders[2], packed=False)
    wanted = arrays()
    for folder in folders:
        found = read_images(folder, NAMES)
        assert list(found) == ["train", "test"]
        for split, part in found.items():
            np.testing.assert_array_equal(part.images, wanted[f"x_{split}"])
            np.testing.assert_array_equal(part.labels, wanted[f"y_{split}"])
            assert part.labels.dtype == np.int64


def test_a_folder_without_either_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must hold mnist\.npz; mnist\.npz not found"):
        read_images(tmp_path, NAMES)
    four_files(tmp_path, packed=True)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"must hold t10k-labels-idx1-ubyte\.gz"):
        read_images(tmp_path, NAMES)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("x_train", np.zeros((24, 27, 28), np.uint8), r"must be bytes \[N, 28, 28\]"),
        ("x_test", np.zeros((6, 28, 28), np.float32), r"must be bytes \[N, 28, 28\]"),
        ("y_test", np.zeros(5, np.uint8), "one for each of 6 images"),
        ("y_train", np.full(24, 10), "must be 0 to 9; found 10 in row 0"),
    ],
)
def test_arrays_that_break_a_rule_are_named(
    tmp_path: Path, key: str, value: object, words: str
) -> None:
    np.savez(tmp_path / "mnist.npz", **{**arrays(), key: value})
    with pytest.raises(DataError, match=words):
        read_images(tmp_path, NAMES)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x00\x08",
        b"\x00\x00\x08\x00",
        idx(np.zeros((2, 3), np.uint8))[:-1],
        idx(np.zeros((2, 3), np.uint8)) + b"x",
        b"\x00\x00\x0d" + idx(np.zeros((2, 3), np.uint8))[3:],
        b"\x00\x00\x08\x03\xff",
        b"\x00\x00\x08\xff" + bytes(255 * 4),
    ],
)
def test_a_damaged_file_of_the_format_idx_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels"
    path.write_bytes(content)
    with pytest.raises(DataError, match="must be a whole file of bytes in the format IDX"):
        read_idx(path)


def test_packed_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(idx(np.zeros(1000, np.uint8))))
    assert len(read_idx(path)) == 1000
    monkeypatch.setattr(_image_arrays, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match="at most 1000 bytes when unpacked"):
        read_idx(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="must be packed with gzip"):
        read_idx(path)
