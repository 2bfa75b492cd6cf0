"""The inputs of an example in `gallery/gallery.json`: pictures, sentences, sounds, rows.

Files are named relative to the gallery. `name` is that of the input, or "".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Size = tuple[int, int]  # width, height in pixels


@dataclass(frozen=True, kw_only=True)
class PictureInput:
    """A PNG file."""

    kind: Literal["picture"] = "picture"
    name: str = ""
    file: str
    size: Size

    def __post_init__(self) -> None:
        check_size(self.size)


@dataclass(frozen=True, kw_only=True)
class SentenceInput:
    """The first words of a sentence.

    Attributes:
        words: as many as are shown.
        tokens: how many there are; tags of as many tokens belong to them.
        text: the sentence as it was written, perhaps cut.
    """

    kind: Literal["sentence"] = "sentence"
    name: str = ""
    words: list[str]
    tokens: int
    text: str

    def __post_init__(self) -> None:
        if self.tokens < len(self.words):
            raise ValueError(f"`tokens` must be at least {len(self.words)}; found {self.tokens}.")


@dataclass(frozen=True, kw_only=True)
class SoundInput:
    """The beginning of a recording.

    Attributes:
        file: a FLAC file.
        picture: a PNG file with the waveform over the spectrogram.
        size: of the picture.
        rate: samples in a second.
        seconds: how long the file is.
        of: how long the recording is.
    """

    kind: Literal["sound"] = "sound"
    name: str = ""
    file: str
    picture: str
    size: Size
    rate: int
    seconds: float
    of: float

    def __post_init__(self) -> None:
        check_size(self.size)


@dataclass(frozen=True, kw_only=True)
class RowInput:
    """The first values of a row of a table.

    Attributes:
        values: `{column: value}`.
        columns: how many columns there are.
    """

    kind: Literal["row"] = "row"
    values: dict[str, str]
    columns: int

    def __post_init__(self) -> None:
        if self.columns < len(self.values):
            raise ValueError(
                f"`columns` must be at least {len(self.values)}; found {self.columns}."
            )


Input = PictureInput | SentenceInput | SoundInput | RowInput


def check_size(size: Size) -> None:
    """Raises `ValueError` unless width and height are positive."""
    if min(size) < 1:
        raise ValueError(f"`size` must be positive, [width, height]; found {size}.")
