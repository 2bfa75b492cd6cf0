"""Readers of labelled grey images as MNIST has them: its own four files, or one archive of NumPy.

Both come from strangers: sizes are bounded, and every rule that a file breaks is a `DataError`.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from plait.core.errors import DataError
from plait.data.files import MAX_BYTES, bytes_of, folder_with, read_npz
from plait.data.tables import Array, check_values

SIDE = 28
CLASSES = 10
IDX = {"train": "train", "test": "t10k"}  # how the names of the four files begin


class Labelled(NamedTuple):
    """Images with their classes.

    Attributes:
        images: `[N, 28, 28]`, uint8.
        labels: `[N]`, int64, 0 to 9.
    """

    images: Array
    labels: Array


def read_images(folder: Path | str, archives: tuple[str, ...]) -> dict[str, Labelled]:
    """Reads the images for training and for the test.

    Args:
        folder: holds one of the archives, or the four files of the original distribution
            (`train-images-idx3-ubyte.gz` and so on, packed or not).
        archives: names of archives with the arrays `x_train`, `y_train`, `x_test` and `y_test`.

    Returns:
        `{"train": ..., "test": ...}`, in the order of the files.

    Raises:
        DataError: nothing of this is there, or an image or label breaks its rule.
    """
    root = Path(folder)
    found = next((root / name for name in archives if (root / name).is_file()), None)
    if found is not None:
        arrays = read_npz(found, [f"{key}_{split}" for split in IDX for key in "xy"])
        return {
            split: _checked(str(found), arrays[f"x_{split}"], arrays[f"y_{split}"]) for split in IDX
        }
    if not any(root.glob("*-ubyte*")):
        folder_with(root, archives)
    return {split: _read_idx_pair(root, start) for split, start in IDX.items()}


def _read_idx_pair(root: Path, start: str) -> Labelled:
    """Reads the images and labels of one split from files in the format IDX."""
    arrays = []
    for name in (f"{start}-images-idx3-ubyte", f"{start}-labels-idx1-ubyte"):
        plain = root / name
        path = plain if plain.is_file() else folder_with(root, [f"{name}.gz"]) / f"{name}.gz"
        arrays.append(read_idx(path))
    return _checked(f"{root}/{start}-*", *arrays)


def read_idx(path: Path) -> Array:
    """Reads an array of bytes in the format IDX: two zeros, 8, the dimensions, their sizes, bytes.

    Args:
        path: the file; packed if its name ends in `.gz`.

    Raises:
        DataError: it cannot be read, is damaged, of another type, or too large.
    """
    content = bytes_of(path)
    if path.suffix == ".gz":
        content = _unpacked(path, content)
    dimensions = int.from_bytes(content[3:4]) if content[:3] == b"\x00\x00\x08" else 0
    start = 4 + 4 * dimensions
    sizes = [int.from_bytes(content[at : at + 4]) for at in range(4, start, 4)]
    if not 1 <= dimensions <= 3 or start + math.prod(sizes) != len(content):
        raise DataError(
            f"{path} must be a whole file of bytes in the format IDX; found {len(content)} bytes "
            f"that begin with {content[:4].hex()}. Is it truncated? Copy or download it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


def _unpacked(path: Path, content: bytes) -> bytes:
    """Unpacks gzip up to a bound."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        found = unpacker.decompress(content, MAX_BYTES + 1)
    except zlib.error as error:
        raise DataError(
            f"{path} must be packed with gzip; {error}. Copy or download it again."
        ) from None
    if len(found) > MAX_BYTES:
        raise DataError(
            f"{path} must have at most {MAX_BYTES} bytes when unpacked; it has more. "
            "Is it that file?"
        )
    return found


def _checked(place: str, images: Array, labels: Array) -> Labelled:
    """Returns the images and labels of one split, after checks."""
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"the images in {place} must be bytes [N, {SIDE}, {SIDE}]; found {images.dtype} "
            f"{list(images.shape)}. Is it that file?"
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1] or len(labels) < 2:
        raise DataError(
            f"the labels in {place} must be whole numbers, one for each of {len(images)} images; "
            f"found {labels.dtype} {list(labels.shape)}. Are both files of one version?"
        )
    numbers = labels.astype(np.int64)
    check_values(place, "labels", numbers, (numbers >= 0) & (numbers < CLASSES), "0 to 9")
    return Labelled(images, numbers)
