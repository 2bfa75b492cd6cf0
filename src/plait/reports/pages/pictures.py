"""Pictures of an example with masks over them and marks on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from plait.reports.pages.embedded import image_address
from plait.runs.gallery import (
    Box,
    MaskClass,
    Point,
    Shown,
    ShownBox,
    ShownMap,
    ShownMask,
    ShownPoint,
)
from plait.runs.gallery_inputs import PictureInput

_SMALL = 256  # pixels; an image below is enlarged on the page, where smoothing would blur it


@dataclass(frozen=True)
class Mark:
    """A circle or a box drawn over an image.

    Attributes:
        shape: which of the two.
        look: how its line is drawn: as truth, as prediction, or as a frame around a small place.
        place: x, y and radius, or x, y, width and height, in pixels from the upper left corner.
        text: what the pointer reads.
    """

    shape: Literal["circle", "box"]
    look: Literal["true", "predicted", "frame"]
    place: tuple[float, ...]
    text: str


@dataclass(frozen=True)
class View:
    """An image with an overlay (or "") and marks on it; views of masks come in pairs."""

    title: str
    of_mask: bool
    overlay: str = ""
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True)
class ClassNote:
    """One class of a mask in the legend: its look, and how much of the picture it covers."""

    name: str
    colour: str
    hatched: bool
    text: str


@dataclass(frozen=True)
class Legend:
    """The classes of a mask; those of several masks are told apart by the task."""

    task: str
    classes: list[ClassNote]


@dataclass(frozen=True)
class Pictures:
    """An image as the page shows it, once for itself or once for each side of each mask.

    Attributes:
        image: its `data:` address.
        width: in pixels.
        height: in pixels.
        pixelated: whether its pixels are enlarged as they are.
        views: of the image, in their order.
        legends: of the masks.
    """

    image: str
    width: int
    height: int
    pixelated: bool
    views: list[View]
    legends: list[Legend]
    kind: Literal["pictures"] = "pictures"


def pictures_of(picture: PictureInput, shown: Sequence[Shown], path: Path) -> Pictures:
    """Returns an image with what the tasks show over it.

    Args:
        picture: the image.
        shown: by the tasks.
        path: the gallery's file.

    Raises:
        DataError: an image is missing, no PNG, or outside the gallery.
    """
    width, height = picture.size
    marks = [mark for each in shown for mark in _marks(each, width, height)]
    masks = [each for each in shown if isinstance(each, ShownMask | ShownMap)]
    title = picture.name or "example"
    views = [] if masks and not marks else [View(title, of_mask=False, marks=marks)]
    for each in masks:
        views += _sides(each, path, width, height)
    legends = [
        Legend(each.task, [_note(one) for one in each.classes])
        for each in masks
        if isinstance(each, ShownMask) and each.classes
    ]
    image = image_address(path, picture.file)
    return Pictures(image, width, height, max(width, height) < _SMALL, views, legends)


def share(value: float) -> str:
    """Returns a share in per cent, with two digits.

    Example:
        >>> share(0.00216), share(0.5), share(0)
        ('0.22\\xa0%', '50\\xa0%', '0\\xa0%')
    """
    return f"{100 * value:.2g}\N{NO-BREAK SPACE}%" if value < 0.995 else "100\N{NO-BREAK SPACE}%"


def _note(each: MaskClass) -> ClassNote:
    true = "no label" if each.true is None else f"{share(each.true)} true"
    text = f"{true}, {share(each.predicted)} predicted"
    return ClassNote(each.name, each.colour, each.hatched, text)


def _sides(shown: ShownMask | ShownMap, path: Path, width: int, height: int) -> list[View]:
    """Returns the true and the predicted side of a mask or map."""
    small: tuple[list[Box], list[Box]] = ([], [])
    if isinstance(shown, ShownMask):
        small = (shown.small_true, shown.small_predicted)
    sides = (("true", shown.true, small[0]), ("predicted", shown.predicted, small[1]))
    return [
        View(f"{shown.task}, no label", of_mask=True)
        if file is None
        else View(
            f"{shown.task}, {side}",
            of_mask=True,
            overlay=image_address(path, file),
            marks=[_box(each, "frame", "a small place", width, height) for each in places],
        )
        for side, file, places in sides
    ]


def _marks(shown: Shown, width: int, height: int) -> list[Mark]:
    """Returns the marks of a task over the image: first the truth, then the prediction."""
    marks = []
    if isinstance(shown, ShownPoint | ShownBox):
        sides: tuple[tuple[Literal["true", "predicted"], Point | Box | None], ...]
        sides = (("true", shown.true), ("predicted", shown.predicted))
        for look, place in sides:
            if place is not None:
                marks.append(_mark(place, look, f"{shown.task}, {look}", width, height))
    return marks


def _mark(
    place: Point | Box, look: Literal["true", "predicted"], text: str, width: int, height: int
) -> Mark:
    if len(place) == 2:
        x, y = place
        return Mark("circle", look, (x + 0.5, y + 0.5, max(width, height) / 24), text)
    return _box(place, look, text, width, height)


def _box(
    place: Box, look: Literal["true", "predicted", "frame"], text: str, width: int, height: int
) -> Mark:
    left, top, right, bottom = place
    x, y = min(left, right), min(top, bottom)
    extent = (abs(right - left) * width, abs(bottom - top) * height)
    return Mark("box", look, (x * width, y * height, *extent), text)
