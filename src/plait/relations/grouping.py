"""The choice of groups of tasks, each to be trained as one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from plait.core.errors import ConfigError, DataError, ShapeError, unknown
from plait.relations.blocks import best_partition, pairwise_blocks, table_blocks
from plait.relations.conflict import Floats
from plait.relations.greedy import cluster, pick
from plait.relations.overlapped import overlapped
from plait.relations.tag import Affinity

EXACT = 12  # tasks up to which all partitions are searched: 3^12 steps, half a second
Group = tuple[str, ...]


@dataclass(frozen=True)
class Grouping:
    """Groups of tasks that cover all tasks, each task served by its best group.

    Attributes:
        groups: the groups, in the order of their first tasks; they may overlap.
        served_by: `{task: the group whose network predicts it}`.
        gains: `{task: predicted gain}` in the group that serves it.
        exact: whether no other choice is better by the prediction.
    """

    groups: tuple[Group, ...]
    served_by: dict[str, Group]
    gains: dict[str, float]
    exact: bool

    @property
    def total(self) -> float:
        """The mean predicted gain over the tasks."""
        return sum(self.gains.values()) / len(self.gains)

    @property
    def networks(self) -> int:
        """The number of networks to keep, one a group."""
        return len(self.groups)

    @property
    def trainings(self) -> int:
        """The networks to train, for each seed, to check the prediction.

        Each group of two tasks or more, and each task alone to compare with.
        """
        return sum(len(group) > 1 for group in self.groups) + len(self.gains)


def choose_groups(
    affinity: Affinity | Any,
    networks: int,
    *,
    tasks: Sequence[str] | None = None,
    singleton: float | Sequence[float] | Mapping[str, float] = 0.0,
    overlap: bool = True,
    margin: float = 0.0,
    exact: int = EXACT,
) -> Grouping:
    """Chooses at most `networks` groups of tasks with the largest mean predicted gain.

        gain of j in G = mean_(i in G, i != j) Z_ij
        total = mean_j max_(G chosen, j in G) gain of j in G

    Args:
        affinity: Z, as `tag_affinity` gives it, or a matrix `[T, T]`; **rows are sources, columns
            the tasks affected**, higher is better. The diagonal is not read.
        networks: the most groups, 1 or more.
        tasks: names of the tasks, if `affinity` is a matrix; "0", "1", ... by default.
        singleton: gain of a task alone: a number, or one for each task. 0 by default: training
            alone is the state to compare with. (The code of TAG has -1e6: a task is never alone.)
        overlap: whether a task may be trained in several groups, to help there; one serves it.
        margin: what one more group has to add to the total, in the unit of Z; 0 by default. Noise
            alone makes many groups look a little better than few.
        exact: the number of tasks up to which the best choice is found, at most 15; beyond it, a
            good one.

    Returns:
        The groups; of choices of one total, the one with the fewest groups, and the smallest.

    Raises:
        ShapeError: `affinity` is not square.
        DataError: an affinity is NaN, as of tasks that never met: write what it shall count for.
        ConfigError: `networks` is below 1, `margin` negative, `exact` above 15; or names do not
            fit.

    Cost: 3^T steps; beyond `exact`, T^3 / 3 to merge the most alike first, then single moves.
        Seconds at T = 617.

    References: Standley, Zamir, Chen, Guibas, Malik, Savarese, "Which Tasks Should Be Learned
        Together in Multi-task Learning?", ICML 2020; Fifty et al., "Efficiently Identifying Task
        Groupings for Multi-Task Learning", NeurIPS 2021.

    Example:
        >>> helps, harms = 0.1, -0.2
        >>> affinity = [[0.0, helps, harms], [helps, 0.0, harms], [harms, harms, 0.0]]
        >>> chosen = choose_groups(affinity, 2, tasks=["a", "b", "c"])
        >>> chosen.groups, round(chosen.total, 3), chosen.trainings
        ((('a', 'b'), ('c',)), 0.067, 4)
    """
    if isinstance(affinity, Affinity):
        tasks, affinity = affinity.tasks if tasks is None else tasks, affinity.values
    matrix = np.array(affinity, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) != len(matrix.T) or not len(matrix):
        raise ShapeError(f"`affinity` must be square [T, T]; found {list(matrix.shape)}.")
    names = _names(tasks, len(matrix))
    np.fill_diagonal(matrix, 0.0)
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise DataError(
            f"the affinity of {names[row]!r} to {names[column]!r} is {matrix[row, column]}. "
            "Write what it shall count for, such as 0 for no effect: `numpy.nan_to_num`."
        )
    _check(networks, margin, exact)
    alone = _alone(singleton, names)
    count = min(networks, len(names))
    if len(names) <= exact:
        values, trained = pairwise_blocks(matrix, alone, overlap=overlap)
        blocks = best_partition(values, len(names), count, margin * len(names))
        groups = [trained(block) for block in blocks]
    else:
        groups = cluster(matrix, alone, count, margin * len(names))
        if overlap:
            groups = overlapped(matrix, alone, groups)
    rows = [_pairwise_gains(matrix, alone, group) for group in groups]
    return _grouping(names, groups, np.stack(rows), exact=len(names) <= exact)


def choose_among(
    groups: Sequence[Sequence[str]],
    gains: Any,
    networks: int,
    *,
    tasks: Sequence[str],
    overlap: bool = True,
    margin: float = 0.0,
    exact: int = EXACT,
) -> Grouping:
    """Chooses at most `networks` of the groups whose gains are known, as measured or predicted.

    Other than with `choose_groups` the gain of a task may depend on the whole group: see
    `hoa_losses`.

    Args:
        groups: names of the tasks of each group, N groups, such as those of `every_group`.
        gains: gain of each task in each group, `[N, T]`, higher is better; NaN where a task is not
            in the group.
        networks: the most groups, 1 or more.
        tasks: names of all tasks, T; each is in some group.
        overlap: as in `choose_groups`.
        margin: likewise.
        exact: likewise; beyond it the groups are added one by one, then exchanged.

    Raises:
        ShapeError: `gains` is not `[N, T]`.
        DataError: a task of a group has no gain there, or no choice was found that covers all.
        ConfigError: an unknown task, or as in `choose_groups`.

    Example:
        >>> groups = every_group(["a", "b"])
        >>> chosen = choose_among(groups, [[0, np.nan], [np.nan, 0], [1, 2]], 2, tasks=["a", "b"])
        >>> groups, chosen.groups, chosen.total
        ([('a',), ('b',), ('a', 'b')], (('a', 'b'),), 1.5)
    """
    names = _names(tasks, len(tasks))
    table = np.array(gains, dtype=np.float64)
    if table.shape != (len(groups), len(names)):
        raise ShapeError(
            f"`gains` must be [{len(groups)}, {len(names)}], a row a group and a column a task; "
            f"found {list(table.shape)}."
        )
    _check(networks, margin, exact)
    members = np.zeros(table.shape, dtype=bool)
    for row, group in zip(members, groups, strict=True):
        for task in group:
            if task not in names:
                raise ConfigError(unknown("task", task, names))
            row[names.index(task)] = True
    if np.isnan(table[members]).any():
        number, column = np.argwhere(members & np.isnan(table))[0]
        raise DataError(f"{names[column]!r} has no gain in the group {'+'.join(groups[number])}.")
    table = np.where(members, table, -np.inf)
    count = min(networks, len(names))
    if len(names) <= exact:
        values, trained = table_blocks(table, overlap=overlap)
        chosen = [
            trained(b) for b in best_partition(values, len(names), count, margin * len(names))
        ]
    else:
        chosen = pick(table, count, margin * len(names), overlap=overlap)
    if not chosen or np.isneginf(table[chosen].max(axis=0)).any():
        raise DataError(
            f"no {networks} of the groups were found that cover all tasks. Give more groups, or "
            "allow more networks."
        )
    return _grouping(
        names,
        [np.flatnonzero(members[number]).tolist() for number in chosen],
        table[chosen],
        exact=len(names) <= exact,
    )


def every_group(tasks: Sequence[str], *, most: int | None = None) -> list[Group]:
    """Returns every group of the tasks, small ones first: 2^T - 1 of them.

    Args:
        tasks: names, T of them.
        most: the largest size of a group; T by default.
    """
    sizes = range(1, min(most or len(tasks), len(tasks)) + 1)
    return [group for size in sizes for group in combinations(tasks, size)]


def _names(tasks: Sequence[str] | None, count: int) -> Group:
    names = tuple(map(str, range(count))) if tasks is None else tuple(tasks)
    if len(names) != count or len(set(names)) < count:
        raise ConfigError(f"`tasks` must be {count} different names; found {list(names)}.")
    return names


def _check(networks: int, margin: float, exact: int) -> None:
    for name, value, right in (
        ("networks", networks, networks >= 1),
        ("margin", margin, margin >= 0),
        ("exact", exact, exact <= 15),
    ):
        if not right:
            rule = {"networks": "1 or more", "margin": "0 or more", "exact": "at most 15"}[name]
            raise ConfigError(f"`{name}` must be {rule}; found {value}.")


def _alone(singleton: Any, names: Group) -> Floats:
    """Returns the gain of each task alone, `[T]`."""
    if isinstance(singleton, Mapping):
        for task in names:
            if task not in singleton:
                raise ConfigError(f"`singleton` has no gain of task {task!r}.")
        singleton = [singleton[task] for task in names]
    alone = np.asarray(singleton, dtype=np.float64)
    if alone.shape not in ((), (len(names),)):
        raise ShapeError(f"`singleton` must be a number or [{len(names)}]; found {alone.shape}.")
    return np.broadcast_to(alone, (len(names),))


def _pairwise_gains(matrix: Floats, alone: Floats, group: Sequence[int]) -> Floats:
    """Returns the gains of all tasks in a group, `[T]`; -inf outside it."""
    gains = np.full(len(matrix), -np.inf)
    inside = np.asarray(group)
    if len(inside) == 1:
        gains[inside] = alone[inside]
    else:
        gains[inside] = matrix[np.ix_(inside, inside)].sum(axis=0) / (len(inside) - 1)
    return gains


def _grouping(
    names: Group, groups: Sequence[Sequence[int]], gains: Floats, *, exact: bool
) -> Grouping:
    named = [tuple(names[task] for task in sorted(group)) for group in groups]
    best = gains.argmax(axis=0)
    return Grouping(
        groups=tuple(sorted(set(named), key=lambda group: [names.index(task) for task in group])),
        served_by={task: named[best[column]] for column, task in enumerate(names)},
        gains={task: float(gains[best[column], column]) for column, task in enumerate(names)},
        exact=exact,
    )
