"""Images: decoded with checks, resized, moved to the range of a network and back."""

from __future__ import annotations

import io
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


def decode(content: bytes, place: str) -> Any:
    """Decodes a JPEG or PNG file into an image of Pillow.

    Args:
        content: the file; its name does not matter (many photos are PNG files named .jpg).
        place: where the file is, for the message.

    Raises:
        DataError: the file is neither, truncated, or an image of absurd size.
    """
    pillow = decoder()
    try:
        # No other decoder is let near the bytes of a stranger
        image = pillow.open(io.BytesIO(content), formats=["JPEG", "PNG"])
        image.load()
    # What Pillow raises for broken files; a bomb is an image of absurd size
    except (OSError, SyntaxError, ValueError, pillow.DecompressionBombError) as error:
        foreign = isinstance(error, pillow.UnidentifiedImageError)
        raise DataError(
            f"{place} must be a whole JPEG or PNG image; {'found neither' if foreign else error}. "
            "Is the file truncated? Copy or download it again."
        ) from None
    return image


def decoder() -> ModuleType:
    """Returns Pillow's module of images; raises `ConfigError` if it is not installed."""
    return need("PIL.Image", extra="app", purpose="Reading images")


def photo(image: Any, size: int) -> Tensor:
    """Resizes a decoded image, bilinear: float32 `[3, size, size]` in [0, 1].

    The aspect is not kept.
    """
    resized = image.convert("RGB").resize((size, size), decoder().Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(resized))
    return pixels.permute(2, 0, 1).contiguous().float().div_(255)


def mask(image: Any, size: int) -> Tensor:
    """Resizes a decoded mask of one channel, nearest: int64 `[size, size]`."""
    resized = image.resize((size, size), decoder().Resampling.NEAREST)
    return torch.from_numpy(np.array(resized, np.int64))


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
        return (image - MEAN) / STD, dict(targets)


def pixels(image: Tensor) -> np.ndarray[Any, Any]:
    """Turns a normalised image back into a picture: uint8 `[H, W, 3]`.

    Args:
        image: `[3, H, W]`, or `[1, H, W]` for grey.
    """
    values = ((image * STD + MEAN).clamp(0, 1) * 255).round().byte()
    return values.expand(3, -1, -1).permute(1, 2, 0).numpy()
