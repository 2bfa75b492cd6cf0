"""Examples with what is true and what was predicted, as `gallery.json` has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, PositiveInt, TypeAdapter

from plait.reports.read.files import parse, read_bytes

Point = tuple[FiniteFloat, FiniteFloat]  # pixels; the centre of the top left pixel is (0, 0)
Box = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]  # shares of width and height

HINT = "Save the examples again, or remove the folder: the report then goes without."


@dataclass(frozen=True)
class ClassView:
    """The name of a class; `true` is None in all views where the label is missing."""

    geometry: Literal["class"]
    task: str
    true: str | None
    predicted: str


@dataclass(frozen=True)
class LabelsView:
    """The names of the labels that hold."""

    geometry: Literal["labels"]
    task: str
    true: list[str] | None
    predicted: list[str]


@dataclass(frozen=True)
class TagsView:
    """The name of a class for each token."""

    geometry: Literal["tags"]
    task: str
    true: list[str | None]
    predicted: list[str]


@dataclass(frozen=True)
class NumbersView:
    """One number, or several."""

    geometry: Literal["numbers"]
    task: str
    true: list[FiniteFloat] | None
    predicted: list[FiniteFloat]


@dataclass(frozen=True)
class OverlayView:
    """Two image files to be laid over the example, transparent where nothing is marked."""

    geometry: Literal["mask", "map"]
    task: str
    true: str | None
    predicted: str


@dataclass(frozen=True)
class PointView:
    """A position."""

    geometry: Literal["point"]
    task: str
    true: Point | None
    predicted: Point


@dataclass(frozen=True)
class BoxView:
    """A rectangle from its upper left to its lower right corner."""

    geometry: Literal["box"]
    task: str
    true: Box | None
    predicted: Box


View = Annotated[
    ClassView | LabelsView | TagsView | NumbersView | OverlayView | PointView | BoxView,
    Field(discriminator="geometry"),
]


@dataclass(frozen=True)
class Example:
    """An image file, its width and height in pixels, and what is known of it."""

    image: str
    size: tuple[PositiveInt, PositiveInt]
    views: list[View]


@dataclass(frozen=True)
class _File:
    examples: list[Example]


_FILE = TypeAdapter(_File)


def read_gallery(path: Path) -> list[Example] | None:
    """Returns the examples of a `gallery.json`, or None where there is none.

    Raises:
        DataError: the file is broken.
    """
    if not path.exists():
        return None
    return parse(_FILE, read_bytes(path, hint=HINT), where=str(path), hint=HINT).examples
