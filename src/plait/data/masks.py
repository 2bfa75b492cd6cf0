"""Masks of class numbers as pictures: their colours, and PNG files that read back exactly."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from plait.core.errors import DataError
from plait.data.images import decoder

# Okabe and Ito's colours, told apart with any colour vision
COLOURS = np.array(
    [
        [0, 158, 115],
        [230, 159, 0],
        [86, 180, 233],
        [204, 121, 167],
        [240, 228, 66],
        [0, 114, 178],
        [213, 94, 0],
    ],
    dtype=np.uint8,
)
_SHADES = (1.0, 0.55, 0.75, 0.35, 0.65, 0.45)  # of the colours when they come again
_MOST = 256  # classes that fit into 8 bits


def mask_png(classes: np.ndarray[Any, Any]) -> bytes:
    """Makes a PNG file of a mask; its pixels are the class numbers, and a palette colours them.

    A reader that keeps palettes gives the class numbers back: `numpy.asarray(PIL.Image.open(file))`
    in Pillow, and `plait` itself. Class 0 is black, as it is the background in most data.

    Args:
        classes: class numbers `[H, W]`, whole numbers in 0..255.

    Returns:
        The content of the file, 8 bits a pixel.

    Raises:
        DataError: the mask is no such array.
        MissingExtraError: Pillow is not installed.

    Example:
        >>> import io, numpy, PIL.Image
        >>> mask = numpy.array([[0, 1], [7, 255]])
        >>> numpy.asarray(PIL.Image.open(io.BytesIO(mask_png(mask)))).tolist()
        [[0, 1], [7, 255]]
    """
    if classes.ndim != 2 or not classes.size or classes.dtype.kind not in "iub":
        raise DataError(
            "a mask must be whole class numbers [H, W]; found "
            f"{classes.dtype} {list(classes.shape)}. Did you pass logits? Take their argmax."
        )
    low, high = int(classes.min()), int(classes.max())
    if low < 0 or high >= _MOST:
        raise DataError(
            f"a mask in a PNG file of 8 bits has classes 0..{_MOST - 1}; found {low}..{high}."
        )
    image = decoder().fromarray(np.ascontiguousarray(classes, np.uint8))
    image.putpalette(palette().tobytes())  # which makes the same numbers indices
    file = io.BytesIO()
    image.save(file, format="PNG", bits=8)
    return file.getvalue()


def palette() -> np.ndarray[Any, Any]:
    """Returns the colour of each class number in a palette: uint8 `[256, 3]`, black for 0."""
    colours = np.stack([colour(number) for number in range(_MOST)])
    colours[0] = 0
    return colours


def colour(number: int) -> np.ndarray[Any, Any]:
    """Returns the colour of a class, uint8 `[3]`; after seven the same ones come darker."""
    turn, hue = divmod(number, len(COLOURS))
    shade: np.ndarray[Any, Any] = np.round(COLOURS[hue] * _SHADES[turn % len(_SHADES)])
    return shade.astype(np.uint8)
