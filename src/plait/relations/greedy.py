"""Good groups of many tasks: merge the most alike first, then move single tasks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plait.relations.conflict import Floats

TIED = 1e-12  # relative to the largest number: differences that rounding makes
ROUNDS = 10_000  # of moves, a bound that no search comes near


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
    starts = _merged(weights, alone, most)
    found = [_moved(weights, alone, labels, most, margin) for labels in starts]
    top = max(value for value, _ in found)
    tied = TIED * len(matrix) * float(np.abs(matrix).max())
    labels = next(labels for value, labels in reversed(found) if value >= top - tied)  # fewest
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


def _merged(weights: Floats, alone: Floats, most: int) -> list[NDArray[np.int64]]:
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


def _moved(
    weights: Floats, alone: Floats, start: NDArray[np.int64], most: int, margin: float
) -> tuple[float, NDArray[np.int64]]:
    """Moves single tasks while the sum grows; returns it and a group for each task, `[T]`."""
    count = len(weights)
    _, labels = np.unique(start, return_inverse=True)
    member = np.zeros((most, count))
    member[labels, np.arange(count)] = 1.0
    tied = TIED * count * float(np.abs(weights).max())

    def worth(sums: Floats, sizes: Floats, only: Floats) -> Floats:
        """Values groups by inner sum and size; `only` is the gain of a single member."""
        many = sums / np.maximum(sizes - 1, 1) - margin
        found: Floats = np.where(sizes > 1, many, np.where(sizes == 1, only - margin, 0.0))
        return found

    tasks, links = np.arange(count), member @ weights
    for _ in range(ROUNDS):
        sizes, only = member.sum(axis=1), member @ alone
        sums = (links * member).sum(axis=1) / 2
        now = worth(sums, sizes, only)
        own = links[labels, tasks]
        left = worth(sums[labels] - own, sizes[labels] - 1, only[labels] - alone)
        into = worth(sums[:, None] + links, sizes[:, None] + 1.0, only[:, None] + alone)
        gain = into - now[:, None] + left - now[labels]
        gain[labels, tasks] = -np.inf
        group, task = divmod(int(gain.argmax()), count)
        if gain[group, task] <= tied:
            break
        member[labels[task], task], member[group, task] = 0.0, 1.0
        links[labels[task]] -= weights[task]
        links[group] += weights[task]
        labels[task] = group
    return float(now.sum() + margin), labels
