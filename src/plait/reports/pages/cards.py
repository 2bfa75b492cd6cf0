"""The gallery's examples as cards: what the network read, and what the tasks say of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plait.reports.pages.embedded import image_address, sound_address
from plait.reports.pages.pictures import Pictures, pictures_of
from plait.reports.pages.sentences import Tagged, belongs, tagged
from plait.reports.read.gallery import read_gallery
from plait.reports.words.views import Line, line_of
from plait.runs.folder import EXAMPLES
from plait.runs.gallery import Example, ShownTags
from plait.runs.gallery_inputs import Input, PictureInput, RowInput, SentenceInput, SoundInput


@dataclass(frozen=True)
class Player:
    """A recording that plays, under its picture; both are `data:` addresses."""

    name: str
    sound: str
    picture: str
    width: int
    height: int
    text: str
    kind: Literal["sound"] = "sound"


@dataclass(frozen=True)
class Values:
    """Values of a row; `more` columns are not shown."""

    values: dict[str, str]
    more: int
    kind: Literal["row"] = "row"


@dataclass(frozen=True)
class Card:
    """An example as the page shows it."""

    inputs: list[Pictures | Tagged | Player | Values]
    lines: list[Line]
    worst: bool = False

    @property
    def wide(self) -> bool:
        """Whether it needs the whole width of the page."""
        return any(isinstance(each, Tagged) and each.wide for each in self.inputs)

    @property
    def drawn(self) -> list[str]:
        """The looks of the lines over its pictures, which the page explains; see `Mark.look`."""
        pictures = [each for each in self.inputs if isinstance(each, Pictures)]
        return [mark.look for each in pictures for view in each.views for mark in view.marks]

    @property
    def tagged(self) -> bool:
        """Whether there are tags under words, which the page explains."""
        return any(isinstance(each, Tagged) and each.tasks for each in self.inputs)


def read_cards(folder: Path) -> list[Card] | None:
    """Returns the cards of a run folder, or None where it has no gallery.

    Raises:
        DataError: the file is broken, or a file that it names is missing, of another kind, or
            outside the gallery.
    """
    examples = read_gallery(folder)
    path = folder / EXAMPLES
    return None if examples is None else [_card(example, path) for example in examples]


def _card(example: Example, path: Path) -> Card:
    lines = [line for each in example.views if (line := line_of(each)) is not None]
    inputs = [_input(each, example, path) for each in example.inputs]
    return Card(inputs, lines, example.chosen == "worst")


def _input(each: Input, example: Example, path: Path) -> Pictures | Tagged | Player | Values:
    """Returns one input of an example, with the views that belong to it."""
    if isinstance(each, PictureInput):
        first = next(one for one in example.inputs if isinstance(one, PictureInput))
        return pictures_of(each, example.views if each is first else [], path)
    if isinstance(each, SentenceInput):
        sentences = [one for one in example.inputs if isinstance(one, SentenceInput)]
        tags = [one for one in example.views if isinstance(one, ShownTags)]
        return tagged(each, [one for one in tags if belongs(one, sentences) is each])
    if isinstance(each, SoundInput):
        return _player(each, path)
    return _values(each)


def _player(each: SoundInput, path: Path) -> Player:
    whole = each.seconds >= each.of
    of = f"{each.of:.2g} s" if each.of < 10 else f"{each.of:.0f} s"
    length = of if whole else f"The first {each.seconds:.2g} of {of}"
    text = (
        f"{length} at {each.rate:,} Hz: waveform, and below it the spectrogram up to "
        f"{each.rate / 2:,.0f} Hz, where bright is loud"
    )
    sound, picture = sound_address(path, each.file), image_address(path, each.picture)
    return Player(each.name, sound, picture, *each.size, text)


def _values(each: RowInput) -> Values:
    return Values(each.values, each.columns - len(each.values))
