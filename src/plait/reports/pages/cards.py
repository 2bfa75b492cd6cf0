"""The gallery's examples as cards: pictures, marks on them, and words."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from plait.core.errors import DataError
from plait.reports.read.files import inside, read_bytes
from plait.reports.read.gallery import HINT, read_gallery
from plait.reports.words.text import number
from plait.runs.folder import EXAMPLES
from plait.runs.gallery import (
    Box,
    Example,
    Point,
    Shown,
    ShownBox,
    ShownClass,
    ShownLabels,
    ShownNumbers,
    ShownOverlay,
    ShownPoint,
    ShownTags,
)

_PNG = b"\x89PNG\r\n\x1a\n"
_SMALL = 256  # pixels; an image below is enlarged on the page, where smoothing would blur it


@dataclass(frozen=True)
class Mark:
    """A circle or a box drawn over an image.

    Attributes:
        shape: which of the two.
        true: whether it is the truth, and not a prediction.
        place: x, y and radius, or x, y, width and height, in pixels from the upper left corner.
        text: what the pointer reads.
    """

    shape: Literal["circle", "box"]
    true: bool
    place: tuple[float, ...]
    text: str


@dataclass(frozen=True)
class Picture:
    """An image with an overlay (or "") and marks on it; pictures of masks come in pairs."""

    title: str
    of_mask: bool
    overlay: str = ""
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """One task of a card in words; `right` is None where that cannot be said."""

    task: str
    text: str
    right: bool | None


@dataclass(frozen=True)
class Card:
    """An example as the page shows it; images are `data:` addresses."""

    image: str
    width: int
    height: int
    pixelated: bool
    pictures: list[Picture]
    lines: list[Line]
    worst: bool = False


def read_cards(folder: Path) -> list[Card] | None:
    """Returns the cards of a run folder, or None where it has no gallery.

    Raises:
        DataError: the file is broken, or an image is missing, no PNG, or outside the gallery.
    """
    examples = read_gallery(folder)
    path = folder / EXAMPLES
    return None if examples is None else [_card(example, path) for example in examples]


def _card(example: Example, path: Path) -> Card:
    width, height = example.size
    marks = [mark for shown in example.views for mark in _marks(shown, width, height)]
    masks = [shown for shown in example.views if isinstance(shown, ShownOverlay)]
    pictures = [] if masks and not marks else [Picture("example", of_mask=False, marks=marks)]
    for shown in masks:
        if shown.true is None:
            pictures.append(Picture(f"{shown.task}, no label", of_mask=True))
        else:
            true = _data_address(path, shown.true)
            pictures.append(Picture(f"{shown.task}, true", of_mask=True, overlay=true))
        predicted = _data_address(path, shown.predicted)
        pictures.append(Picture(f"{shown.task}, predicted", of_mask=True, overlay=predicted))
    views = [shown for shown in example.views if shown not in masks or shown.true is None]
    lines = [_line(shown) for shown in views]
    image = _data_address(path, example.image)
    small, worst = max(width, height) < _SMALL, example.chosen == "worst"
    return Card(image, width, height, small, pictures, lines, worst)


def _marks(shown: Shown, width: int, height: int) -> list[Mark]:
    """Returns the marks of a task over the image: first the truth, then the prediction."""
    marks = []
    if isinstance(shown, ShownPoint | ShownBox):
        for true, place in ((True, shown.true), (False, shown.predicted)):
            if place is not None:
                text = f"{shown.task}, {'true' if true else 'predicted'}"
                marks.append(_mark(place, true, text, width, height))
    return marks


def _mark(place: Point | Box, true: bool, text: str, width: int, height: int) -> Mark:
    if len(place) == 2:
        x, y = place
        radius = max(width, height) / 24
        return Mark("circle", true, (x + 0.5, y + 0.5, radius), text)
    left, top, right, bottom = place
    x, y = min(left, right), min(top, bottom)
    extent = (abs(right - left) * width, abs(bottom - top) * height)
    return Mark("box", true, (x * width, y * height, *extent), text)


def _line(shown: Shown) -> Line:
    """Puts one task of an example into words; a mask that has its picture needs none."""
    if isinstance(shown, ShownClass):
        return _compared(shown.task, shown.true, shown.predicted)
    if isinstance(shown, ShownLabels):
        true = None if shown.true is None else ", ".join(shown.true) or "none"
        return _compared(shown.task, true, ", ".join(shown.predicted) or "none")
    if isinstance(shown, ShownTags):
        pairs = [(t, p) for t, p in zip(shown.true, shown.predicted, strict=True) if t is not None]
        right = sum(true == predicted for true, predicted in pairs)
        return Line(shown.task, f"{right} of {len(pairs)} tokens right", None)
    if shown.true is None or isinstance(shown, ShownOverlay):
        return Line(shown.task, "no label", None)
    if isinstance(shown, ShownNumbers):
        predicted, labels = (", ".join(map(number, each)) for each in (shown.predicted, shown.true))
        return Line(shown.task, f"{predicted} predicted, {labels} true", None)
    if isinstance(shown, ShownPoint):
        return Line(
            shown.task, f"{number(math.dist(shown.true, shown.predicted))} pixels apart", None
        )
    return Line(shown.task, f"overlap {_overlap(shown.true, shown.predicted):.0%}", None)


def _compared(task: str, true: str | None, predicted: str) -> Line:
    if true is None:
        return Line(task, f"{predicted} predicted, no label", None)
    right = true == predicted
    return Line(task, predicted if right else f"{predicted} predicted, {true} true", right)


def _overlap(first: Box, second: Box) -> float:
    """Returns intersection over union, 0 for two empty boxes."""
    sides = [max(0.0, min(first[i + 2], second[i + 2]) - max(first[i], second[i])) for i in (0, 1)]
    both = sides[0] * sides[1]
    areas = [max(0.0, b[2] - b[0]) * max(0.0, b[3] - b[1]) for b in (first, second)]
    union = sum(areas) - both
    return both / union if union > 0 else 0.0


def _data_address(path: Path, name: str) -> str:
    """Returns a PNG file of the gallery as a `data:` address."""
    file = inside(path.parent, name, named_in=path)
    content = read_bytes(file, hint=f"{path} names it. {HINT}")
    if not content.startswith(_PNG):
        raise DataError(f"{file} is no PNG image, which {path} needs. {HINT}")
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
