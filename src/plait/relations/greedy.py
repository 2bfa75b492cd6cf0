"""Good groups of many tasks: merge the most alike or split by main directions, then move tasks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plait.relations.conflict import Floats

TIED = 1e-12  # relative to the largest number: differences that rounding makes
STARTS = 5  # the best so many are improved
STALE = 30  # moves without a gain, after which a round is over
ROUNDS = 100  # of moves, a bound that no search comes near
MEANS = 10  # rounds of k-means, whose result is but a start
Ints = NDArray[np.int64]


def cluster(matrix: Floats, alone: Floats, most: int, margin: float) -> list[list[int]]:
    """Returns at most `most` groups without overlap, each task in one.

        maximise sum_G A_G / (|G| - 1) - margin (number of groups - 1)

    with the sum A of the affinities within a group, and the gain alone for one task.

    Args:
        matrix: affinities `[T, T]`; 0 on the diagonal.
        alone: gain of each task alone, `[T]`.
        most: the most groups.
        margin: what one more group has to add.
    """
    weights = matrix + matrix.T
    starts = _split(weights, most)[::-1] + _merged(weights, alone, most)
    worth = [_Groups(weights, alone, labels, most, margin).total() for labels in starts]
    order = sorted(range(len(starts)), key=lambda number: -worth[number])
    found = [_moved(weights, alone, starts[n], most, margin) for n in order[:STARTS]]
    top = max(value for value, _ in found)
    tied = TIED * len(matrix) * float(np.abs(matrix).max())
    best = [labels for value, labels in found if value >= top - tied]
    labels = min(best, key=lambda each: len(np.unique(each)))
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def pick(table: Floats, most: int, margin: float, *, overlap: bool) -> list[int]:
    """Returns the numbers of at most `most` groups: added one by one, then exchanged.

    Args:
        table: gain of each task in each group, `[N, T]`, -inf outside the group.
        most: the most groups.
        margin: what one more group has to add to the sum of the gains.
        overlap: whether a task may be in several of them.
    """
    inside = np.isfinite(table)
    finite = table[inside]
    spread = float(finite.max() - finite.min()) + 1.0
    nothing = float(finite.min()) - spread * (table.shape[1] + 1) - margin  # coverage comes first
    values = np.where(inside, table, nothing)
    tied = TIED * max(float(np.abs(finite).max()), 1.0) * table.shape[1]

    def best_with(rest: list[int]) -> tuple[float, int]:
        covered = values[rest].max(axis=0) if rest else np.full(table.shape[1], nothing)
        sums = np.maximum(values, covered).sum(axis=1)
        if not overlap:
            taken = inside[rest].any(axis=0)
            sums = np.where((inside & taken).any(axis=1), -np.inf, sums)
        number = int(sums.argmax())
        return float(sums[number]), number

    chosen: list[int] = []
    total = nothing * table.shape[1]
    while len(chosen) < most:
        value, number = best_with(chosen)
        if value <= total + (margin if chosen else 0.0) + tied:
            break
        chosen.append(number)
        total = value
    for _ in range(ROUNDS):
        for place in range(len(chosen)):
            rest = chosen[:place] + chosen[place + 1 :]
            value, number = best_with(rest)
            if value > total + tied:
                chosen, total = [*rest, number], value
                break
        else:
            break
    return chosen


def _merged(weights: Floats, alone: Floats, most: int) -> list[Ints]:
    """Returns a group for each task, `[T]`, for each number of groups up to `most`, fewest last.

    At each step the two groups are merged whose union is worth most beside what they are worth.
    """
    count = len(weights)
    labels, sizes = np.arange(count), np.ones(count)
    links, inner = weights.copy(), np.zeros(count)  # sums of affinities between and within groups
    worth = alone.astype(np.float64).copy()
    starts = [labels.copy()] if count <= most else []
    alive = np.arange(count)
    while len(alive) > 1:
        between = links[np.ix_(alive, alive)]
        own = inner[alive]
        joint = (own[:, None] + own + between) / (sizes[alive][:, None] + sizes[alive] - 1)
        gain = joint - worth[alive][:, None] - worth[alive]
        np.fill_diagonal(gain, -np.inf)
        one, other = divmod(int(gain.argmax()), len(alive))
        keep, gone = int(alive[min(one, other)]), int(alive[max(one, other)])
        inner[keep] += inner[gone] + links[keep, gone]
        sizes[keep] += sizes[gone]
        worth[keep] = inner[keep] / (sizes[keep] - 1)
        links[keep] += links[gone]
        links[:, keep] += links[:, gone]
        links[keep, keep] = 0.0
        labels[labels == gone] = keep
        alive = alive[alive != gone]
        if len(alive) <= most:
            starts.append(labels.copy())
    return starts


def _split(weights: Floats, most: int) -> list[Ints]:
    """Returns a group for each task, `[T]`, by the main directions in which the tasks differ.

    What a task gives to all, or takes from all, is left out: it says nothing about groups.
    """
    means = weights.mean(axis=0)
    differing = weights - means - means[:, None] + means.mean()
    values, vectors = np.linalg.eigh(differing)
    starts = []
    for count in range(2, min(most, len(weights)) + 1):
        places = vectors[:, 1 - count :] * values[1 - count :].clip(min=0)
        starts.append(_nearest(places, count))
    return starts


def _nearest(places: Floats, count: int) -> Ints:
    """Returns the nearest of `count` centres for each place, `[T]`, by k-means.

    It starts from the ends of the widest direction, and then from what is farthest from all.
    """
    ends = [int(places[:, -1].argmin()), int(places[:, -1].argmax())]
    distances = np.linalg.norm(places[:, None] - places[ends], axis=2)
    while distances.shape[1] < count:
        far = int(distances.min(axis=1).argmax())
        new = np.linalg.norm(places - places[far], axis=1)
        distances = np.column_stack([distances, new])
    labels: Ints = distances.argmin(axis=1)
    for _ in range(MEANS):
        centres = [places[labels == label].mean(axis=0) for label in np.unique(labels)]
        labels = np.linalg.norm(places[:, None] - np.stack(centres), axis=2).argmin(axis=1)
    return labels


def _moved(
    weights: Floats, alone: Floats, start: Ints, most: int, margin: float
) -> tuple[float, Ints]:
    """Moves single tasks as long as the sum grows; returns it and a group for each task, `[T]`.

    A round moves each task once, the best move first, also where the sum falls for a while; kept
    is the best moment of the round.
    """
    groups = _Groups(weights, alone, start, most, margin)
    tied = TIED * len(weights) * float(np.abs(weights).max())
    total = groups.total()
    for _ in range(ROUNDS):
        best, kept, last = total, groups.labels.copy(), 0
        for number in range(len(weights)):
            groups.move()
            value = groups.total()
            if value > best + tied:
                best, kept, last = value, groups.labels.copy(), number
            if number - last > STALE:
                break
        if best <= total + tied:
            return total, kept
        total = best
        groups = _Groups(weights, alone, kept, most, margin)
    return total, groups.labels


class _Groups:
    """A state of the search: the groups, and which tasks have moved in this round.

    Attributes:
        labels: a group for each task, `[T]`.
    """

    def __init__(
        self, weights: Floats, alone: Floats, start: Ints, most: int, margin: float
    ) -> None:
        count = len(weights)
        _, self.labels = np.unique(start, return_inverse=True)
        self._weights, self._alone, self._margin = weights, alone, margin
        self._tasks, self._free = np.arange(count), np.ones(count, dtype=bool)
        member = np.zeros((most, count))
        member[self.labels, self._tasks] = 1.0
        self._links, self._sizes = member @ weights, member.sum(axis=1)
        self._only = member @ alone
        self._sums = (self._links * member).sum(axis=1) / 2

    def total(self) -> float:
        """Returns the sum over the groups, less the margin for each but one."""
        return float(self._worth(self._sums, self._sizes, self._only).sum() + self._margin)

    def move(self) -> None:
        """Makes the best move of a task that has not moved yet."""
        labels, tasks = self.labels, self._tasks
        now = self._worth(self._sums, self._sizes, self._only)
        own = self._links[labels, tasks]
        left = self._worth(
            self._sums[labels] - own, self._sizes[labels] - 1, self._only[labels] - self._alone
        )
        into = self._worth(
            self._sums[:, None] + self._links,
            self._sizes[:, None] + 1,
            self._only[:, None] + self._alone,
        )
        gain = into - now[:, None] + left - now[labels]
        gain[labels, tasks] = -np.inf
        gain[:, ~self._free] = -np.inf
        to, task = divmod(int(gain.argmax()), len(tasks))
        self._free[task] = False
        if np.isneginf(gain[to, task]):  # there is one group alone
            return
        for group, sign in ((int(labels[task]), -1), (to, 1)):
            self._sums[group] += sign * self._links[group, task]
            self._sizes[group] += sign
            self._only[group] += sign * self._alone[task]
            self._links[group] += sign * self._weights[task]
        labels[task] = to

    def _worth(self, sums: Floats, sizes: Floats, only: Floats) -> Floats:
        """Values groups by inner sum and size; `only` is the gain of a single member."""
        many = sums / np.maximum(sizes - 1, 1)
        found: Floats = np.where(sizes > 1, many, only) - self._margin
        return np.where(sizes > 0, found, 0.0)
