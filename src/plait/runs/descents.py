"""`descents.json`: how methods descend two losses of two parameters, each from several points."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from plait.core.typed_json import read_typed
from plait.runs.folder import DESCENTS

Point = list[float]


@dataclass(frozen=True, kw_only=True)
class Descent:
    """One descent.

    Attributes:
        points: some of the points it came through, the start first and the end last.
        losses: both losses at its end.
        steps: how many it took until it stood still, or until there were no more.
        reached: the first step after which it was on the front; -1 if it never was.
        distance: from its end to the front, in the plane of the parameters.
    """

    points: list[Point]
    losses: Point
    steps: int
    reached: int
    distance: float


@dataclass(frozen=True, kw_only=True)
class MethodDescents:
    """All descents of a method.

    Attributes:
        name: of the method.
        descents: one from each start; empty where the method cannot be run.
        raised: whether both losses were raised above zero, for a method that needs this.
        refused: why it cannot be run; "" where it can.
        seconds: that all descents took.
    """

    name: str
    descents: list[Descent] = field(default_factory=list)
    raised: bool = False
    refused: str = ""
    seconds: float = 0.0

    def reaching(self, tolerance: float) -> int:
        """Returns the number of descents that end on the front."""
        return sum(each.distance <= tolerance for each in self.descents)


@dataclass(frozen=True, kw_only=True)
class Descents:
    """The descents of several methods on two losses.

    Attributes:
        title: what is tried.
        note: under which conditions, for the reader.
        sources: the papers.
        scale: of the first loss.
        steps: the most that a descent may take.
        tolerance: a point this near to the front, or nearer, is on it.
        front: points of the Pareto front.
        methods: the descents of each, in the order of the table.
    """

    title: str
    note: str
    sources: list[str]
    scale: float
    steps: int
    tolerance: float
    front: list[Point]
    methods: list[MethodDescents]


def read_descents(folder: Path) -> Descents:
    """Reads `descents.json`.

    Raises:
        DataError: it is missing or damaged.
    """
    return read_typed(Descents, folder / DESCENTS, hint="Run `plait reproduce toy` again.")
