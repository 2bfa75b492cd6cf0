"""Images: decoded with checks, resized, moved to the range of a network and back."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.draws import Draw

MEAN, STD = 0.5, 0.25  # of the values of a usual picture, which are in [0, 1]
MAX_PIXELS = 2**26  # of a file, 200 MB in colour; a photo has under 50 million
_ORIENTATION, _ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # of EXIF: the tag, and its turned values
_UPRIGHT = {  # what turns a picture upright, of Pillow's transpositions, by that tag
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
MODES = {1: "L", 3: "RGB"}  # of Pillow, by the number of channels


def decode(content: bytes, place: str) -> Any:
    """Decodes a JPEG or PNG file into an image of Pillow.

    Args:
        content: the file; its name does not matter (many photos are PNG files named .jpg).
        place: where the file is, for the message.

    Raises:
        DataError: the file is neither, truncated, or has over `MAX_PIXELS`.
    """
    image = opened(content, place)
    with _reporting(place):
        image.load()
    return image


def opened(content: bytes, place: str) -> Any:
    """Opens a JPEG or PNG file as an image of Pillow of which nothing is decoded yet.

    Raises:
        DataError: the file is neither, or has over `MAX_PIXELS`.
    """
    with _reporting(place), warnings.catch_warnings():
        warnings.simplefilter("ignore", decoder().DecompressionBombWarning)  # the limit is below
        warnings.simplefilter("ignore", UserWarning)  # of damaged notes beside the picture
        # No other decoder is let near the bytes of a stranger
        image = decoder().open(io.BytesIO(content), formats=["JPEG", "PNG"])
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(place, f"{image.width:,} x {image.height:,}")
    return image


@contextmanager
def _reporting(place: str) -> Iterator[None]:
    """Turns what Pillow raises for broken files into `DataError`."""
    pillow = decoder()
    try:
        yield
    except pillow.DecompressionBombError:
        raise _too_large(place, "far more") from None
    except (OSError, SyntaxError, ValueError) as error:
        foreign = isinstance(error, pillow.UnidentifiedImageError)
        raise DataError(
            f"{place} must be a whole JPEG or PNG image; {'found neither' if foreign else error}. "
            "Is the file truncated? Copy or download it again."
        ) from None


def _too_large(place: str, found: str) -> DataError:
    return DataError(
        f"{place} must have at most {MAX_PIXELS:,} pixels; found {found}, which would fill the "
        "memory. Make it smaller."
    )


def decoder() -> ModuleType:
    """Returns Pillow's module of images; raises `ConfigError` if it is not installed."""
    return need("PIL.Image", extra="app", purpose="Reading images")


def bytes_of_picture(image: Any, size: tuple[int, int], channels: int = 3) -> Tensor:
    """Resizes a decoded image to (height, width), bilinear: uint8 `[channels, height, width]`.

    Of 16 bits the upper 8 are kept.
    """
    height, width = size
    if image.mode.startswith("I"):  # 16 bits, which `convert` would clip at 255
        image = decoder().fromarray((np.asarray(image, np.int32) >> 8).astype(np.uint8))
    plain = image.convert(MODES[channels])
    resized = plain.resize((width, height), decoder().Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(resized).reshape(height, width, channels))
    return pixels.permute(2, 0, 1).contiguous()


def values_of_mask(image: Any, size: tuple[int, int]) -> Tensor:
    """Resizes a decoded mask of one channel to (height, width), nearest: int32 of its values."""
    height, width = size
    resized = image.resize((width, height), decoder().Resampling.NEAREST)
    return torch.from_numpy(np.array(resized, np.int32))


def upright_size(content: bytes, place: str) -> tuple[int, int]:
    """Returns width and height of a photo as its camera has noted, without decoding it."""
    image = opened(content, place)
    turned = _orientation(image) in _ON_ITS_SIDE
    return (image.height, image.width) if turned else (image.width, image.height)


def upright(image: Any) -> Any:
    """Turns a photo as its camera has noted; others stay as they are."""
    turn = _UPRIGHT.get(_orientation(image))
    return image if turn is None else image.transpose(decoder().Transpose[turn])


def _orientation(image: Any) -> int:
    """Returns the position of the camera by its note, 1 to 8; 1, upright, if it is unreadable."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of damaged notes, which are no matter here
        try:
            return int(image.getexif().get(_ORIENTATION, 1))
        except (SyntaxError, ValueError, TypeError, OSError, struct.error):
            return 1


class Photos(Protocol):
    """A data set of examples ``(image, {task: label})``, by their position, or by their draw."""

    def __len__(self) -> int:
        """The number of examples."""

    def __getitem__(self, index: Any, /) -> tuple[Tensor, Any]:
        """One example."""


class Normalised(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """A data set of images moved from [0, 1] to about mean 0 and standard deviation 1.

    ``(x - 0.5) / 0.25``; `pixels` moves them back.

    Args:
        photos: gives ``(image, {task: label})`` with values in [0, 1].
    """

    def __init__(self, photos: Photos) -> None:
        self.photos = photos
        self.takes_draws = bool(getattr(photos, "takes_draws", False))

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, draw: Draw | int) -> tuple[Tensor, dict[str, Tensor]]:
        image, targets = self.photos[draw]
        return normalised(image), dict(targets)


def normalised(image: Tensor) -> Tensor:
    """Moves values in [0, 1] to about mean 0 and standard deviation 1: ``(x - 0.5) / 0.25``."""
    return (image - MEAN) / STD


def pixels(image: Tensor) -> np.ndarray[Any, Any]:
    """Turns a normalised image back into a picture: uint8 `[H, W, 3]`.

    Args:
        image: `[3, H, W]`, or `[1, H, W]` for grey.
    """
    values = ((image * STD + MEAN).clamp(0, 1) * 255).round().byte()
    return values.expand(3, -1, -1).permute(1, 2, 0).numpy()
