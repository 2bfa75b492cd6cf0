"""The hypervolume of points with several objectives, and what each point adds to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.core.errors import ShapeError
from plait.evaluation.pareto import front_of
from plait.evaluation.table_of_scores import Array, costs_of

EXACT = 6  # objectives; the cost of more grows too fast
AT_ONCE = 2**22  # comparisons of samples with points


@dataclass(frozen=True)
class Hypervolume:
    """The hypervolume of some points.

    Attributes:
        volume: of the space that they dominate.
        error: its standard error; 0 where it is exact.
        exclusive: `[N]`, what would be lost without each of the points, of which equal ones lose
            nothing.
        exclusive_error: `[N]`, the standard errors.
    """

    volume: float
    error: float
    exclusive: Array
    exclusive_error: Array


def hypervolume(
    points: Any,
    reference: Sequence[float] | Array,
    higher_is_better: Sequence[bool] | None = None,
    *,
    samples: int = 100_000,
    seed: int = 0,
) -> Hypervolume:
    """Computes the volume between the points and a reference: the larger, the better the front.

        HV(P) = vol {x: some p of P dominates x, and x dominates the reference}
        exclusive(p) = HV(P) - HV(P without p)

    A point counts if it is strictly better than the reference in every objective. The volume
    depends on the reference and on the units of the objectives: both are the user's to choose, such
    as the worst result that would be accepted, in per cent of the single-task networks.

    Args:
        points: `[N, D]`, a row for each point and a column for each objective. A point with NaN
            counts nothing.
        reference: `[D]`, a bad value of each objective, in the unit of the points.
        higher_is_better: direction of each objective; lower is better in all of them by default.
        samples: random points by which the volume is estimated where D > 6; 100,000 by default.
        seed: of these points.

    Returns:
        The volume, and what each point adds: exact up to 6 objectives, by a sweep of 2 and by
        recursion over more; above, estimates with their standard errors.

    Raises:
        ShapeError: `points` are not `[N, D]`, or `reference` or the directions not D.

    Cost: O(N log N) for 2 objectives, and N times that for what each point adds; with more, each
        objective costs about a factor of N at worst.

    Reference: While, Bradstreet, Barone, "A Fast Way of Calculating Exact Hypervolumes", IEEE
        Transactions on Evolutionary Computation 2012.

    Example:
        >>> found = hypervolume([[1.0, 3.0], [2.0, 2.0]], reference=[4.0, 4.0])
        >>> found.volume, found.exclusive.tolist()
        (5.0, [1.0, 2.0])
    """
    costs = costs_of(points, higher_is_better, name="points")
    if np.shape(reference) != (costs.shape[1],):
        raise ShapeError(
            f"`reference` must be [{costs.shape[1]}], one value for each objective; found "
            f"{list(np.shape(reference))}."
        )
    (worst,) = costs_of([reference], higher_is_better, name="reference")
    sides = worst - costs  # of the box between a point and the reference
    counted = np.flatnonzero((sides > 0).all(axis=1))
    front = counted[front_of(-sides[counted])]
    exclusive, errors = np.zeros(len(sides)), np.zeros(len(sides))
    if not front.size:
        return Hypervolume(0.0, 0.0, exclusive, errors)
    if costs.shape[1] > EXACT:
        return _estimated(sides, counted, samples, seed)
    for place in front:  # without it, points that it dominates count
        others = np.minimum(sides[counted[counted != place]], sides[place])
        exclusive[place] = max(0.0, math.prod(sides[place].tolist()) - _volume(others))
    return Hypervolume(_volume(sides[front]), 0.0, exclusive, errors)


def _volume(boxes: Array) -> float:
    """Computes the volume of the union of boxes that have one corner in common.

    Args:
        boxes: their sides, `[N, D]`, not negative.
    """
    if not boxes.size:
        return 0.0
    if boxes.shape[1] == 1:
        return float(boxes.max())
    if boxes.shape[1] == 2:
        return _area(boxes)
    boxes = np.unique(boxes[front_of(-boxes)], axis=0)
    boxes = boxes[boxes[:, -1].argsort()]
    bases, heights = boxes[:, :-1], boxes[:, -1].tolist()
    # what is of a box alone, beside the boxes that are higher, is as high as the box
    return math.fsum(
        height * (math.prod(base.tolist()) - _volume(np.minimum(bases[place + 1 :], base)))
        for place, (base, height) in enumerate(zip(bases, heights, strict=True))
    )


def _area(boxes: Array) -> float:
    """Sweeps over rectangles from the widest to the narrowest."""
    width, height = boxes[boxes[:, 0].argsort()[::-1]].T
    highest = np.maximum.accumulate(height)
    return float(width @ np.diff(highest, prepend=0.0))


def _estimated(sides: Array, counted: Array, samples: int, seed: int) -> Hypervolume:
    """Estimates the volumes by random points in the box around all boxes."""
    box = sides[counted].max(axis=0)
    generator = np.random.default_rng(seed)
    hits, alone, left = 0, np.zeros(len(counted)), samples
    while left:
        number = min(left, max(1, AT_ONCE // sides[counted].size))
        inside = (generator.random((number, 1, len(box))) * box < sides[counted]).all(axis=2)
        owners = inside.sum(axis=1)
        hits += int((owners > 0).sum())
        alone += inside[owners == 1].sum(axis=0)
        left -= number
    whole = math.prod(box.tolist())
    exclusive, errors = np.zeros(len(sides)), np.zeros(len(sides))
    shares = alone / samples
    exclusive[counted] = whole * shares
    errors[counted] = whole * np.sqrt(shares * (1 - shares) / samples)
    share = hits / samples
    error = whole * math.sqrt(share * (1 - share) / samples)
    return Hypervolume(whole * share, error, exclusive, errors)
