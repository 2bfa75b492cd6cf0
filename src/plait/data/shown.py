"""Inputs of an example as a page shows them: pictures, sentences, sounds, rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.core.errors import ConfigError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Picture:
    """An image. Masks, maps, points and boxes are drawn over the first picture of an example.

    Args:
        pixels: uint8 `[H, W, 3]`.
        name: of the input, such as its column; none by default.

    Raises:
        ConfigError: the pixels are no such array.
    """

    pixels: Array
    name: str = ""

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
            raise ConfigError(
                "`pixels` of a picture must be uint8 [H, W, 3]; found "
                f"{pixels.dtype} {list(pixels.shape)}. `plait.data.images.pixels` makes them of a "
                "normalised image."
            )


@dataclass(frozen=True)
class Sentence:
    """Words, or other tokens. Tags are written under the first sentence of as many tokens.

    Args:
        words: one for each token that the model reads, in their order.
        text: the sentence as it was written, shown where no tags belong to it; by default the words
            with spaces between them.
        name: of the input, such as its column; none by default.
    """

    words: Sequence[str]
    text: str = ""
    name: str = ""


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording that plays in the page, with its waveform and its spectrogram.

    Args:
        samples: float `[N]` in [-1, 1], without padding; more is clipped.
        rate: samples in a second, at least 1.
        name: of the input, such as its column; none by default.

    Raises:
        ConfigError: the samples are no such array, or the rate is below 1.
    """

    samples: Array
    rate: int
    name: str = ""

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype.kind != "f":
            raise ConfigError(
                "`samples` of a sound must be numbers in [-1, 1], float [N]; found "
                f"{self.samples.dtype} {list(self.samples.shape)}. Take one channel."
            )
        if self.rate < 1:
            raise ConfigError(f"`rate` of a sound must be at least 1 Hz; found {self.rate}.")


@dataclass(frozen=True)
class Row:
    """Values of a row of a table, as text.

    Args:
        values: `{column: value}`, in the order in which they are shown.
    """

    values: Mapping[str, str]


Shown = Picture | Sentence | Sound | Row
