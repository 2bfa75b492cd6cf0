"""Masks of a table's rows: a class for each pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.core.errors import DataError
from plait.core.spaced import spaced
from plait.data.images import decode, opened, values_of_mask
from plait.data.readers.files import Files
from plait.data.readers.images import Images
from plait.data.readers.kept import Kept

MISSING = -100  # the class of a pixel without a label; that of `Segmentation`
MOST_CLASSES = 254  # a byte for each pixel, with one for "no label" and one for what is no class
UNKNOWN = 255
LOOKED_AT = 200  # masks in which their values are looked for


class Masks:
    """Masks from files, resized to the pictures that they belong to: int64 `[H, W]`.

    Args:
        files: PNG files of one channel (grey or with a palette), whose values are classes.
        size: height and width in pixels.
        values: the value in the file of each class, in the order of the class numbers.
        ignore: values of pixels without a label; their class is -100.
        pictures: those that the masks lie on, to compare sizes with; None compares nothing.
        keep: rows whose decoded masks are kept in memory; none by default.

    Raises:
        DataError: there are more than 254 classes; or when a row is read: its file is no whole
            mask, has another size than its picture, or a value that is no class.
    """

    def __init__(
        self,
        files: Files,
        size: tuple[int, int],
        values: Sequence[int],
        *,
        ignore: Sequence[int] = (),
        pictures: Images | None = None,
        keep: Iterable[int] = (),
    ) -> None:
        if len(values) > MOST_CLASSES:
            raise DataError(
                f"masks of column {files.column!r} must have at most {MOST_CLASSES} classes; found "
                f"{len(values):,}. If their values are measured, the target is a `map`; if they "
                "number objects, write classes instead."
            )
        self.files = files
        self.size = size
        self.values = tuple(values)
        self.ignore = tuple(ignore)
        self.pictures = pictures
        self._kept = Kept(keep, size)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> Tensor:
        if not self.files.names[row]:
            return torch.full(self.size, MISSING)
        classes = self._kept.get(row, lambda: self._classes(row)).long()
        return classes.masked_fill_(classes == len(self.values), MISSING)

    def look(self, row: int) -> None:
        """Looks at the head of a row's file, which costs a fraction of reading it.

        Raises:
            DataError: it is no mask, or has another size than its picture.
        """
        if self.files.names[row]:
            self._check_size(opened(self.files.read(row), self.files.place(row)), row)

    def _check_size(self, image: Any, row: int) -> None:
        """Raises `DataError` unless a mask is as large as its picture."""
        if self.pictures is None or not self.pictures.files.names[row]:
            return
        wanted = self.pictures.own_size(row)
        if image.size != wanted:
            raise DataError(
                f"mask {self.files.place(row)} must have the size of its picture; found "
                f"{image.width} x {image.height}, the picture has {wanted[0]} x {wanted[1]}. "
                "Does it belong to another copy of the picture?"
            )

    def _classes(self, row: int) -> Tensor:
        """Returns the class of each pixel, and the number of classes where there is none."""
        image = decoded_mask(self.files, row)
        self._check_size(image, row)
        found = values_of_mask(image, self.size)
        classes = torch.full(self.size, UNKNOWN, dtype=torch.uint8)
        for number, value in enumerate(self.values):
            classes[found == value] = number
        for value in self.ignore:
            classes[found == value] = len(self.values)
        wrong = found[classes == UNKNOWN]
        if len(wrong):
            raise DataError(
                f"mask {self.files.place(row)} has the value {int(wrong[0])}, which is no class; "
                f"known: {', '.join(map(str, self.values))}. Add it to the task's `values`, or to "
                "`ignore`."
            )
        return classes


def decoded_mask(files: Files, row: int) -> Any:
    """Decodes the mask of a row into an image of Pillow with one channel.

    Raises:
        DataError: it has several, as a picture of a mask in colours has.
    """
    image = decode(files.read(row), files.place(row))
    if image.mode not in ("1", "L", "P", "I", "I;16"):
        raise DataError(
            f"mask {files.place(row)} must have one channel, grey or with a palette, whose values "
            f"are classes; found {image.mode}. Is it a picture of a mask in colours? Save the "
            "class numbers instead."
        )
    return image


def values_in(files: Files, rows: Sequence[int]) -> dict[int, int]:
    """Counts the pixels of each value in up to 200 masks, evenly spread over some rows."""
    there = [row for row in rows if files.names[row]]
    counts: dict[int, int] = {}
    for row in [there[place] for place in spaced(len(there), LOOKED_AT)]:
        values, numbers = np.unique(np.asarray(decoded_mask(files, row), int), return_counts=True)
        for value, number in zip(values.tolist(), numbers.tolist(), strict=True):
            counts[value] = counts.get(value, 0) + number
    return dict(sorted(counts.items()))
