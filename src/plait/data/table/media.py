"""Options of columns of pictures, sounds and sentences, as a configuration describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from plait.core.errors import ConfigError
from plait.data.tokenizer import read_tokenizer

MOST_SIDE = 4_096  # pixels; a batch of such pictures fills the memory of most machines


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """Options of a column of pictures: paths of JPEG or PNG files.

    Attributes:
        size: height and width to which they are resized, in pixels, or one number for both; 128 by
            default, ours: half of what a photo classifier reads, at a quarter of its cost.
        channels: 3 for colour, 1 for grey.
        augment: options of `plait.data.Augment` for training; None shows pictures as they are.
    """

    size: int | tuple[int, int] = 128
    channels: int = 3
    augment: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        sides = [self.size, self.size] if isinstance(self.size, int) else list(self.size)
        if len(sides) != 2 or not all(isinstance(e, int) and 1 <= e <= MOST_SIDE for e in sides):
            raise ConfigError(
                f"`size` must be a number of pixels from 1 to {MOST_SIDE:,}, or [height, width]; "
                f"found {self.size!r}."
            )
        object.__setattr__(self, "size", (sides[0], sides[1]))
        if self.channels not in (1, 3):
            raise ConfigError(
                f"`channels` must be 3 (colour) or 1 (grey); found {self.channels!r}."
            )
        if self.augment is not None and not isinstance(self.augment, Mapping):
            raise ConfigError(
                f"`augment` must be options such as {{flip: 0.5}}, or null; found {self.augment!r}."
            )

    def column(self) -> dict[str, Any]:
        """The properties of the column."""
        return {"size": self.size, "channels": self.channels}


@dataclass(frozen=True, kw_only=True)
class SoundOptions:
    """Options of a column of sounds: paths of WAV, FLAC, OGG, MP3 or AIFF files.

    Attributes:
        rate: samples a second to which they are resampled; 16,000 by default, as for speech.
        seconds: the longest; what is longer is cut off; 10 by default.
    """

    rate: int = 16_000
    seconds: float = 10.0

    def __post_init__(self) -> None:
        for name, least in (("rate", 100), ("seconds", 0.01)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
                raise ConfigError(f"`{name}` must be at least {least}; found {value!r}.")

    def column(self) -> dict[str, Any]:
        """The properties of the column."""
        return {"rate": int(self.rate), "seconds": float(self.seconds)}


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """Options of a column of text, or of lists of words.

    Attributes:
        unit: "words" or "characters"; of lists of words always the words.
        words: the most that the vocabulary knows, of those that occur twice or more; 20,000 by
            default.
        pieces: codes for the beginnings and ends of words, which tell something of an unseen word;
            5,000 by default, 0 for none, and none for characters.
        length: the most words, or characters, of a row; 512 by default.
        tokenizer: of text, a file ``tokenizer.json`` or a folder with one, such as that of a model
            of transformers: a row has its codes in place of a vocabulary of its own.
    """

    unit: Literal["words", "characters"] = "words"
    words: int = 20_000
    pieces: int = 5_000
    length: int = 512
    tokenizer: str = ""

    def __post_init__(self) -> None:
        if self.unit not in ("words", "characters"):
            raise ConfigError(f"`unit` must be words or characters; found {self.unit!r}.")
        for name, least in (("words", 1), ("pieces", 0), ("length", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(
                    f"`{name}` must be a whole number of at least {least}; found {value!r}."
                )

    @property
    def form(self) -> str:
        """The form in which a text is read: "words", "characters", or "whole" for a tokenizer."""
        return "whole" if self.tokenizer else self.unit

    def column(self) -> dict[str, Any]:
        """The properties of the column, without its vocabulary."""
        if self.tokenizer:
            return {"length": self.length, "tokenizer": read_tokenizer(self.tokenizer)}
        pieces = self.pieces if self.unit == "words" else 0
        return {"pieces": pieces, "length": self.length}


MediaOptions = ImageOptions | SoundOptions | TextOptions

OPTIONS: Mapping[str, type[MediaOptions]] = {
    "image": ImageOptions,
    "sound": SoundOptions,
    "text": TextOptions,
    "tokens": TextOptions,
}
