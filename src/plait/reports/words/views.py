"""The views of the tasks on one example, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plait.reports.words.text import number
from plait.runs.gallery import (
    Box,
    Shown,
    ShownClass,
    ShownLabels,
    ShownMap,
    ShownMask,
    ShownNumbers,
    ShownPoint,
    ShownTags,
)


@dataclass(frozen=True)
class Line:
    """One task of an example in words; `right` is None where that cannot be said."""

    task: str
    text: str
    right: bool | None


def line_of(shown: Shown) -> Line | None:
    """Puts one task of an example into words; None for a mask or map, whose pictures tell all."""
    if isinstance(shown, ShownClass):
        return _compared(shown.task, shown.true, shown.predicted)
    if isinstance(shown, ShownLabels):
        true = None if shown.true is None else ", ".join(shown.true) or "none"
        return _compared(shown.task, true, ", ".join(shown.predicted) or "none")
    if isinstance(shown, ShownTags):
        pairs = [(t, p) for t, p in zip(shown.true, shown.predicted, strict=True) if t is not None]
        right = sum(true == predicted for true, predicted in pairs)
        return Line(shown.task, f"{right} of {len(pairs)} tokens right", None)
    if isinstance(shown, ShownNumbers):
        predicted = ", ".join(map(number, shown.predicted))
        if shown.true is None:
            return Line(shown.task, f"{predicted} predicted, no label", None)
        true = ", ".join(map(number, shown.true))
        return Line(shown.task, f"{predicted} predicted, {true} true", None)
    if shown.true is None:
        return Line(shown.task, "no label", None)
    if isinstance(shown, ShownMask | ShownMap):
        return None
    if isinstance(shown, ShownPoint):
        apart = number(math.dist(shown.true, shown.predicted))
        return Line(shown.task, f"{apart} pixels apart", None)
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
