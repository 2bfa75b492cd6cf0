"""The best groups by exact search: a value for each block of tasks, then the best partition.

Whatever groups are chosen, each task is served by one of them, so the tasks that a group serves are
the blocks of a partition. The value of a block is that of the best group that contains it; the best
choice of groups is then the best partition, found over all subsets by dynamic programming. A block
is a bit mask: bit t is set if task t is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from plait.relations.conflict import Floats

TIED = 1e-12  # relative to the largest number: differences that rounding makes
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def pairwise_blocks(
    matrix: Floats, alone: Floats, *, overlap: bool
) -> tuple[Floats, Callable[[int], list[int]]]:
    """Returns the value of each block, `[2^T]`, and a function from a block to its group.

    Args:
        matrix: affinities `[T, T]`, rows are sources; 0 on the diagonal.
        alone: gain of each task alone, `[T]`.
        overlap: whether the group may have tasks that others serve.
    """
    blocks = _members(np.arange(1 << len(matrix)), len(matrix))
    values, counts, order = _best_helpers(matrix, alone, blocks, overlap=overlap)

    def group(block: int) -> list[int]:
        return _joined(blocks[block], order[block, : counts[block]])

    return values, group


def with_helpers(matrix: Floats, alone: Floats, block: Sequence[int]) -> list[int]:
    """Returns the best group for the tasks of one block: these, and the tasks that help them."""
    inside = np.zeros(len(matrix), dtype=bool)
    inside[list(block)] = True
    _, counts, order = _best_helpers(matrix, alone, inside[None], overlap=True)
    return _joined(inside, order[0, : counts[0]])


def table_blocks(table: Floats, *, overlap: bool) -> tuple[Floats, Callable[[int], int]]:
    """Returns the value of each block, `[2^T]`, and a function from a block to its group's number.

    Args:
        table: gain of each task in each group, `[N, T]`, -inf outside the group.
        overlap: whether a group may serve a part of its tasks only.
    """
    values = np.full(1 << table.shape[1], -np.inf)
    which = np.full(len(values), -1)
    tied = TIED * _size(table)
    sizes = np.isfinite(table).sum(axis=1)
    for number in np.argsort(sizes, kind="stable"):  # of equal ones the smallest stays
        inside = np.flatnonzero(np.isfinite(table[number]))
        masks, sums = np.zeros(1, dtype=np.int64), np.zeros(1)
        for task in inside:
            masks = np.concatenate([masks, masks | 1 << int(task)])
            sums = np.concatenate([sums, sums + table[number, task]])
        if not overlap:
            masks, sums = masks[-1:], sums[-1:]
        better = sums > values[masks] + tied
        values[masks[better]] = sums[better]
        which[masks[better]] = number
    return values, lambda block: int(which[block])


def best_partition(values: Floats, tasks: int, most: int, margin: float) -> list[int]:
    """Returns the blocks of the best partition into at most `most` blocks; empty if there is none.

        maximise sum_b values[b] - margin (number of blocks - 1)

    Of equal ones the one with the fewest blocks.
    """
    whole = (1 << tasks) - 1
    best, choices = values, [np.arange(len(values))]
    found = [(best[whole], 1)]
    for level in range(2, most + 1):
        masks = [whole] if level == most else range(1, 1 << tasks)
        above, choice = np.full(len(values), -np.inf), np.zeros(len(values), dtype=np.int64)
        for mask in masks:
            first = mask & -mask
            parts = _submasks(mask ^ first)[:-1] | first  # not the whole: its rest has no block
            if len(parts):
                sums = values[parts] + best[mask ^ parts]
                at = int(sums.argmax())
                above[mask], choice[mask] = sums[at], parts[at]
        best = above
        choices.append(choice)
        found.append((best[whole] - margin * (level - 1), level))
    top, level = max(found, key=lambda each: each[0])
    if np.isneginf(top):
        return []
    rounding = TIED * tasks * np.abs(values[_chosen(choices, level, whole)]).sum()
    least = next(level for value, level in found if value >= top - rounding)
    return _chosen(choices, least, whole)


def _chosen(choices: Sequence[Ints], level: int, mask: int) -> list[int]:
    """Returns the blocks of the best partition of a mask into `level` of them."""
    blocks = []
    for choice in choices[level - 1 :: -1]:
        blocks.append(int(choice[mask]))
        mask ^= blocks[-1]
    return blocks


def _best_helpers(
    matrix: Floats, alone: Floats, blocks: Bools, *, overlap: bool
) -> tuple[Floats, Ints, Ints]:
    """Returns the value of each block, its number of helpers, and all others, best first.

    With h helpers a block of s tasks has the value ``(B + r_1 + ... + r_h) / (s - 1 + h)``: the sum
    B of the affinities within it, and r of a helper to all of it. The best h helpers are those of
    the largest r, so all numbers of helpers are tried, and no set of them is missed.
    """
    count = len(matrix)
    effects = blocks @ matrix.T  # of each task on the block
    within = (effects * blocks).sum(axis=1)
    outside = np.where(blocks, -np.inf, effects)
    order = np.argsort(-outside, axis=1, kind="stable")
    ranked = np.take_along_axis(outside, order, axis=1)
    sizes = blocks.sum(axis=1)
    sums = within[:, None] + np.pad(ranked.cumsum(axis=1), ((0, 0), (1, 0)))
    others = sizes[:, None] - 1 + np.arange(count + 1)
    values = np.where(others > 0, sums / np.maximum(others, 1), -np.inf)
    single = sizes == 1
    values[single, 0] = (blocks[single] * alone).sum(axis=1)
    if not overlap:
        values = values[:, :1]
    values[sizes == 0] = -np.inf
    tied = TIED * count * _size(matrix)
    top = values.max(axis=1)
    first = (values >= top[:, None] - tied).argmax(axis=1)
    return np.take_along_axis(values, first[:, None], axis=1)[:, 0], first, order


def _size(numbers: Floats) -> float:
    finite = numbers[np.isfinite(numbers)]
    return float(np.abs(finite).max()) if finite.size else 0.0


def _members(masks: Ints, tasks: int) -> Bools:
    """Returns the tasks in each mask, boolean `[N, T]`."""
    found: Bools = (masks[:, None] >> np.arange(tasks) & 1).astype(bool)
    return found


def _submasks(mask: int) -> Ints:
    """Returns all masks within a mask, itself last."""
    masks = np.zeros(1, dtype=np.int64)
    while mask:
        bit = mask & -mask
        masks = np.concatenate([masks, masks | bit])
        mask ^= bit
    return masks


def _joined(inside: Bools, helpers: Ints) -> list[int]:
    return sorted([*np.flatnonzero(inside).tolist(), *helpers.tolist()])
