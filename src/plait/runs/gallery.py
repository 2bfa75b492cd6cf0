"""`gallery/gallery.json`: what is true and what was predicted on some test examples.

One class for each `Geometry`. `true` is None where an example has no label.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from plait.core.files import write_text
from plait.core.geometry import Geometry
from plait.runs.folder import EXAMPLES

Point = tuple[float, float]  # x, y in pixels; the centre of the first pixel is (0, 0)
Box = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax as shares of width and height


@dataclass(frozen=True, kw_only=True)
class ShownClass:
    """The name of a class."""

    task: str
    geometry: Literal["class"]
    true: str | None
    predicted: str


@dataclass(frozen=True, kw_only=True)
class ShownLabels:
    """The names of the labels that hold; an empty list if none does."""

    task: str
    geometry: Literal["labels"]
    true: list[str] | None
    predicted: list[str]


@dataclass(frozen=True, kw_only=True)
class ShownTags:
    """The name of a class for each token; None for one without a label."""

    task: str
    geometry: Literal["tags"]
    true: list[str | None]
    predicted: list[str]


@dataclass(frozen=True, kw_only=True)
class ShownNumbers:
    """One number, or several."""

    task: str
    geometry: Literal["numbers"]
    true: list[float] | None
    predicted: list[float]


@dataclass(frozen=True, kw_only=True)
class ShownOverlay:
    """Two PNG files to be laid over the example, transparent where nothing is marked."""

    task: str
    geometry: Literal["mask", "map"]
    true: str | None
    predicted: str


@dataclass(frozen=True, kw_only=True)
class ShownPoint:
    """A position."""

    task: str
    geometry: Literal["point"]
    true: Point | None
    predicted: Point


@dataclass(frozen=True, kw_only=True)
class ShownBox:
    """A rectangle from its upper left to its lower right corner."""

    task: str
    geometry: Literal["box"]
    true: Box | None
    predicted: Box


Shown = ShownClass | ShownLabels | ShownTags | ShownNumbers | ShownOverlay | ShownPoint | ShownBox
KINDS: dict[Geometry, type[Any]] = {
    "class": ShownClass,
    "labels": ShownLabels,
    "tags": ShownTags,
    "numbers": ShownNumbers,
    "mask": ShownOverlay,
    "map": ShownOverlay,
    "point": ShownPoint,
    "box": ShownBox,
}  # "other" is not shown


Chosen = Literal["spaced", "worst"]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A test example.

    Attributes:
        image: the PNG file of its inputs, relative to the gallery.
        size: width and height of the image in pixels.
        views: what each task shows of it; empty if none can.
        chosen: "spaced" for one of evenly spaced examples, "worst" for one of the largest losses.
    """

    image: str
    size: tuple[int, int]
    views: list[Shown]
    chosen: Chosen = "spaced"

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"`size` must be positive, [width, height]; found {self.size}.")


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """The examples, in the order in which they are shown."""

    examples: Sequence[Example]


def write_examples(folder: Path, examples: Sequence[Example]) -> None:
    """Writes the gallery's file into a run folder, atomically."""
    gallery = Gallery(examples=list(examples))
    write_text(folder / EXAMPLES, json.dumps(asdict(gallery), indent=1) + "\n")
