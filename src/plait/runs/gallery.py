"""`gallery/gallery.json`: what is true and what was predicted on some test examples.

One class for each `Geometry`. `true` is None where an example has no label. The classes of the
inputs are in `gallery_inputs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from plait.core.files import write_text
from plait.core.geometry import Geometry
from plait.runs.folder import EXAMPLES
from plait.runs.gallery_inputs import Input, PictureInput

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

    def __post_init__(self) -> None:
        if len(self.true) != len(self.predicted):
            raise ValueError(
                f"`true` must have a tag, or null, for each of the {len(self.predicted)} tokens; "
                f"found {len(self.true)}."
            )


@dataclass(frozen=True, kw_only=True)
class ShownNumbers:
    """One number, or several."""

    task: str
    geometry: Literal["numbers"]
    true: list[float] | None
    predicted: list[float]


@dataclass(frozen=True, kw_only=True)
class ShownMap:
    """Two PNG files to be laid over the first picture, transparent where there is no number."""

    task: str
    geometry: Literal["map"]
    true: str | None
    predicted: str


@dataclass(frozen=True, kw_only=True)
class MaskClass:
    """One class of a mask, for the legend.

    Attributes:
        name: of the class.
        colour: as the files have it, "#rrggbb".
        hatched: whether it is drawn in stripes, to be told from a class of the same colour.
        true: share of the picture's pixels; None without a label.
        predicted: share of the picture's pixels.
    """

    name: str
    colour: str
    hatched: bool
    true: float | None
    predicted: float

    def __post_init__(self) -> None:
        if not re.fullmatch("#[0-9a-f]{6}", self.colour):  # the page writes it into a style
            raise ValueError(f"`colour` must be #rrggbb; found {self.colour!r}.")


@dataclass(frozen=True, kw_only=True)
class ShownMask:
    """Two PNG files to be laid over the first picture, transparent where nothing is marked.

    Attributes:
        classes: those that occur on one of the two sides.
        small_true: frames around small places of the true mask, which are easily missed.
        small_predicted: frames around small places of the predicted mask.
    """

    task: str
    geometry: Literal["mask"]
    true: str | None
    predicted: str
    classes: list[MaskClass] = field(default_factory=list)
    small_true: list[Box] = field(default_factory=list)
    small_predicted: list[Box] = field(default_factory=list)


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


Shown = (
    ShownClass
    | ShownLabels
    | ShownTags
    | ShownNumbers
    | ShownMask
    | ShownMap
    | ShownPoint
    | ShownBox
)
KINDS: dict[Geometry, type[Any]] = {
    "class": ShownClass,
    "labels": ShownLabels,
    "tags": ShownTags,
    "numbers": ShownNumbers,
    "mask": ShownMask,
    "map": ShownMap,
    "point": ShownPoint,
    "box": ShownBox,
}  # "other" is not shown


Chosen = Literal["spaced", "worst"]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A test example.

    Attributes:
        inputs: what the network reads, in the order in which it is shown.
        views: what each task shows of it; empty if none can.
        chosen: "spaced" for one of evenly spaced examples, "worst" for one of the largest losses.
    """

    inputs: list[Input]
    views: list[Shown]
    chosen: Chosen = "spaced"

    def __post_init__(self) -> None:
        over = [view.task for view in self.views if isinstance(view, ShownMask | ShownMap)]
        if over and not any(isinstance(each, PictureInput) for each in self.inputs):
            raise ValueError(f"`inputs` must have a picture for the mask of {over[0]!r}.")


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """The examples, in the order in which they are shown."""

    examples: Sequence[Example]


def write_examples(folder: Path, examples: Sequence[Example]) -> None:
    """Writes the gallery's file into a run folder, atomically."""
    gallery = Gallery(examples=list(examples))
    write_text(folder / EXAMPLES, json.dumps(asdict(gallery), indent=1) + "\n")
