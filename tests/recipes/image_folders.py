"""Small folders of images like those of MNIST: as an archive, and as the four original files."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np


def arrays(train: int = 24, test: int = 6, seed: int = 0) -> dict[str, Any]:
    """Images of one bright square each, of which the class is the place."""
    random = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for split, count in (("train", train), ("test", test)):
        labels = np.resize(np.arange(10), count).astype(np.uint8)
        images = random.integers(0, 30, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = divmod(int(label), 4)
            image[8 * row + 2 : 8 * row + 8, 7 * column : 7 * column + 6] = 250
        found |= {f"x_{split}": images, f"y_{split}": labels}
    return found


def archive(folder: Path, name: str = "mnist.npz", **options: Any) -> Path:
    """Writes the images as an archive of NumPy; returns the folder."""
    np.savez_compressed(folder / name, **arrays(**options))
    return folder


def idx(values: Any) -> bytes:
    """An array of bytes in the format IDX."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def four_files(folder: Path, *, packed: bool, **options: Any) -> Path:
    """Writes the images as the four files of the original distribution; returns the folder."""
    made = arrays(**options)
    for split, start in (("train", "train"), ("test", "t10k")):
        for key, what in (("x", "images-idx3"), ("y", "labels-idx1")):
            content = idx(made[f"{key}_{split}"])
            name = f"{start}-{what}-ubyte"
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / name).write_bytes(content)
    return folder
