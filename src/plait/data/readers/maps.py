"""Maps of numbers of a table's rows, such as depth."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from plait.core.errors import DataError
from plait.data.images import MAX_PIXELS, decode
from plait.data.readers.files import Files

MOST_LAST = 4  # of a last axis this short, before which longer ones stand, no picture is made


class Maps:
    """Maps of numbers from files, resized to the pictures that they belong to: `[K, H, W]`.

    Float32, with NaN where a number is missing. A pixel takes the number that is nearest to it.

    Args:
        files: `.npy` files of numbers `[H, W]` or `[K, H, W]` (none that is pickled is read), or
            PNG files of one channel, 8 or 16 bit.
        size: height and width in pixels.
        outputs: numbers for each pixel, K; 1 by default.
        missing: numbers that say that one is missing, such as 0 of many depth cameras.

    Raises:
        DataError: when a row is read: its file is no map of numbers, or has not K of them.
    """

    def __init__(
        self,
        files: Files,
        size: tuple[int, int],
        outputs: int = 1,
        *,
        missing: Sequence[float] = (),
    ) -> None:
        self.files = files
        self.size = size
        self.outputs = outputs
        self.missing = tuple(missing)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> Tensor:
        if not self.files.names[row]:
            return torch.full((self.outputs, *self.size), torch.nan)
        found = numbers_in(self.files, row)
        if len(found) != self.outputs:
            raise DataError(
                f"map {self.files.place(row)} must have {self.outputs} numbers for each pixel; "
                f"found {len(found)}. Are its axes [K, H, W]?"
            )
        numbers = torch.from_numpy(found)
        for value in self.missing:
            numbers[numbers == value] = torch.nan
        if bool(numbers.isinf().any()):
            raise DataError(
                f"map {self.files.place(row)} must have finite numbers, or NaN where one is "
                "missing; found an infinite one. If it says that there is none, write "
                "`missing: [.inf]`."
            )
        return F.interpolate(numbers[None], self.size, mode="nearest-exact")[0]

    def look(self, row: int) -> None:
        """Does nothing: the head of a file of numbers says no more than its name."""


def numbers_in(files: Files, row: int) -> np.ndarray[Any, Any]:
    """Reads the map of a row: float32 `[K, H, W]`.

    Raises:
        DataError: its file is no map of numbers.
    """
    content, place = files.read(row), files.place(row)
    if content.startswith(b"\x93NUMPY"):
        try:
            found = np.load(io.BytesIO(content), allow_pickle=False)
        except (ValueError, EOFError, OSError, MemoryError) as error:
            told = str(error).rstrip(".")
            raise DataError(f"{place} must be a whole .npy file of numbers; {told}.") from None
        last = found.shape[-1] if found.ndim == 3 else 0
        plain = not 0 < last <= MOST_LAST < found.shape[0]
    else:
        found = np.asarray(decode(content, place))
        plain = found.ndim == 2
    if not plain:
        raise DataError(
            f"{place} must be a map of numbers, [H, W] or [K, H, W]; found {list(found.shape)}, "
            "with the numbers of a pixel last. Move that axis to the front, in a .npy file."
        )
    numeric = found.dtype.kind in "biuf" and 0 < found.size <= MAX_PIXELS
    if found.ndim not in (2, 3) or not numeric:
        raise DataError(
            f"{place} must be a map of numbers, [H, W] or [K, H, W]; found {found.dtype} "
            f"{list(found.shape)}. Save it with `numpy.save`, or as a PNG of one channel."
        )
    numbers: np.ndarray[Any, Any] = found.reshape(-1, *found.shape[-2:]).astype(np.float32)
    return numbers
