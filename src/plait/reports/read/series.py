"""Curves over steps or epochs, made small enough for a page."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar("T")

LINE_POINTS = 500  # more than a panel has pixels for
TABLE_ROWS = 30


@dataclass(frozen=True)
class Series:
    """A curve: values `y` at the steps or epochs `x`, of equal length."""

    x: list[int]
    y: list[float]

    def thinned(self) -> Series:
        """At most `LINE_POINTS` evenly spaced points of the curve."""
        kept = evenly_spaced(len(self.x), LINE_POINTS)
        return Series([self.x[i] for i in kept], [self.y[i] for i in kept])

    @property
    def half_window(self) -> int:
        """Points that the running mean takes in on each side: 2 % of the curve."""
        return len(self.y) // 50

    def smoothed(self, most: int = LINE_POINTS) -> Series:
        """The running mean, over all points, at most `most` evenly spaced ones."""
        kept, half = evenly_spaced(len(self.x), most), self.half_window
        windows = (self.y[max(0, i - half) : i + half + 1] for i in kept)
        return Series([self.x[i] for i in kept], [math.fsum(w) / len(w) for w in windows])

    @property
    def wide(self) -> bool:
        """Whether the values are positive and span more than a factor of 100."""
        return bool(self.y) and min(self.y) > 0 and max(self.y) > 100 * min(self.y)


def series(events: Sequence[T], x: Callable[[T], int], y: Callable[[T], float | None]) -> Series:
    """Returns the curve of a value over the events where it is finite."""
    values = [(x(event), y(event)) for event in events]
    points = [(at, value) for at, value in values if value is not None and math.isfinite(value)]
    return Series([at for at, _ in points], [value for _, value in points])


def curve_of(x: np.ndarray, y: np.ndarray) -> Series:
    """Returns the curve of a column of numbers where it is finite.

    Args:
        x: the steps, `[S]`.
        y: the numbers, `[S]`.
    """
    known = np.isfinite(y)
    return Series(x[known].tolist(), y[known].tolist())


@dataclass(frozen=True)
class Spread:
    """The same curve from several seeds: its mean, and one standard deviation on both sides."""

    mean: Series
    low: list[float]
    high: list[float]


def over_seeds(curves: Sequence[Series]) -> Spread | None:
    """Returns mean and spread of a curve over the seeds, where all of them have a point.

    Of one seed the ends are the curve itself; None where the seeds have no point in common.
    """
    known = [dict(zip(curve.x, curve.y, strict=True)) for curve in curves]
    common = set(known[0]).intersection(*known[1:]) if known else set()
    x = sorted(common)
    if not x:
        return None
    rows = [[values[at] for values in known] for at in x]
    means = [math.fsum(row) / len(row) for row in rows]
    deviations = [statistics.stdev(row) if len(row) > 1 else 0.0 for row in rows]
    return Spread(
        Series(x, means),
        [mean - deviation for mean, deviation in zip(means, deviations, strict=True)],
        [mean + deviation for mean, deviation in zip(means, deviations, strict=True)],
    )


def largest(curves: Mapping[T, Series], most: int) -> dict[T, Series]:
    """Returns the curves with the largest last values, their signs aside, in their own order."""
    if len(curves) <= most:
        return dict(curves)
    kept = set(sorted(curves, key=lambda name: -abs(curves[name].y[-1]))[:most])
    return {name: curve for name, curve in curves.items() if name in kept}


def evenly_spaced(count: int, most: int) -> list[int]:
    """Returns at most `most` evenly spaced indices below `count`, the first and the last included.

    Example:
        >>> evenly_spaced(10, 4)
        [0, 3, 6, 9]
    """
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]
