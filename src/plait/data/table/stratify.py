"""Iterative stratification: each split gets its share of every label, rare labels first.

Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011. Its
inner loop gives all rows that are left with the rarest label to the splits that want most of it;
how many each gets follows from numbers alone, so here they are given at once, which takes about a
second for a million rows. Beyond the paper: within such a batch, rows with equal labels are spread
over the splits evenly; rows may have to stay together; and at the end rows are moved until every
split has its size and, where that can be, a row of every label.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.data.table.units import Units

Array = np.ndarray[Any, Any]

GOLDEN = (5**0.5 - 1) / 2  # multiples of it, without whole parts, fill [0, 1) evenly at any length
ONE_BY_ONE = 2_000  # units of several rows that are placed one by one, the largest first
CANDIDATES = 1_000  # rows among which the one to be moved is chosen


def stratify(
    strata: Array, shares: Array, generator: np.random.Generator, together: Array | None = None
) -> Array:
    """Divides rows into splits: `[N]`, the number of each row's split.

    Args:
        strata: `[N, T]`, the code of each row's label for each task, -1 for none.
        shares: `[P]`, of the splits, positive, with the sum 1.
        generator: of the choice among equals.
        together: `[N]`, numbers of units; rows with one number stay in one split. By default each
            row is a unit. There must be at least P units.

    Returns:
        Splits that differ from their shares by less than a row, or less than the largest unit
        where units have several rows; and by more only where few rows have to bring a label of
        every task to every split.
    """
    division = _Division(strata, shares, generator, together)
    division.place_large_units()
    while (label := division.rarest()) is not None:
        division.place_rows_with(label)
    division.fill_gaps()
    division.even_out()
    return division.split


class _Division:
    """Rows on their way into splits.

    Every row has one label beside those of its tasks, the last: that of all rows.

    Attributes:
        labels: `[N, T + 1]`, the number of each row's label for each task, -1 for none; L in all.
        split: `[N]`, the split of each row, -1 while it has none.
        target: `[L, P]`, how many rows of each label a split should get.
        given: `[L, P]`, how many it has.
        units: the rows that stay together.
    """

    def __init__(
        self,
        strata: Array,
        shares: Array,
        generator: np.random.Generator,
        together: Array | None,
    ) -> None:
        rows = len(strata)
        self.generator, self.shares = generator, shares
        self.labels, self._task = _numbered(np.column_stack([strata, np.zeros(rows, dtype=int)]))
        self.counts = np.bincount(self.labels[self.labels >= 0], minlength=len(self._task))
        self.split = np.full(rows, -1, dtype=np.int8)
        self.target = self.counts[:, np.newaxis] * shares
        self.target[-1] = _whole(shares, rows, shares)
        self._given_or_none = np.zeros((len(self.target) + 1, len(shares)), dtype=int)
        self.given = self._given_or_none[:-1]
        narrow = self.labels.astype(np.min_scalar_type(-len(self._task)))  # which sorts fast
        self._orders = [np.argsort(column, kind="stable") for column in narrow.T]
        odd = 2 * generator.integers(2**62, size=self.labels.shape[1], dtype=np.uint64) + 1
        self._alike = _ranks((self.labels + 2).astype(np.uint64) @ odd)
        self._example = np.empty(int(self._alike.max(initial=0)) + 1, dtype=int)
        self._example[self._alike] = np.arange(rows)
        self.units = Units(rows, together)

    def rarest(self) -> int | None:
        """Returns the label of which the fewest rows are left; None if none is."""
        left = self.counts - self.given.sum(axis=1)
        return int(np.where(left > 0, left, len(self.split) + 1).argmin()) if left.any() else None

    def place_large_units(self) -> None:
        """Gives units of several rows to the split that lacks most of their labels.

        A split that has room for the whole unit goes before; where none has, the one with most.
        """
        several = self.generator.permutation(np.flatnonzero(self.units.size > 1))
        largest_first = several[np.argsort(-self.units.size[several], kind="stable")]
        for unit in largest_first[:ONE_BY_ONE]:
            rows = self.units.rows(np.array([unit]))
            labels, here = np.unique(self.labels[rows], return_counts=True)
            labels, here = labels[labels >= 0], here[labels >= 0]
            wanted = self.target[labels] - self.given[labels]
            need = (here / self.counts[labels] ** 2) @ (wanted / self.shares)
            room = wanted[-1]
            has_room = room >= min(len(rows), room.max())
            self._give(rows, np.full(len(rows), np.where(has_room, need, -np.inf).argmax()))

    def place_rows_with(self, label: int) -> None:
        """Gives the rows with a label that have no split, and those of their units, to splits."""
        rows = self._rows_with(label)
        rows = rows[self.split[rows] < 0]
        units, first = self.units.of[rows], np.arange(len(rows))
        if self.units.size.max() > 1:
            units, first = np.unique(units, return_index=True)
        order = self.generator.random(len(units)).argsort()
        alike = self._alike[rows[first]]
        units = units[order[alike[order].argsort(kind="stable")]]
        several, single = units[self.units.size[units] > 1], units[self.units.size[units] == 1]
        if len(several):
            bounds = np.cumsum(self._wanted(label))
            chosen = np.searchsorted(bounds[:-1] / bounds[-1], self._even(len(several)))
            self._give(self.units.rows(several), np.repeat(chosen, self.units.size[several]))
        if len(single):
            roomy = self.target[-1] - self.given[-1]
            whole = _whole(self._wanted(label), len(single), roomy)
            chosen = np.empty(len(single), dtype=int)
            chosen[self._even(len(single)).argsort()] = np.repeat(np.arange(len(whole)), whole)
            self._give(self.units.rows(single), chosen)

    def fill_gaps(self) -> None:
        """Moves units until each split has a row, one of each task, and one of each label.

        Labels are left out where they are so many that a split would be made of their only rows.
        """
        for task in range(self.labels.shape[1]):
            self._one_in_each(self._task == task)
        if 2 * len(self.counts) <= self.shares.min() * len(self.split):
            for label in np.argsort(self.counts, kind="stable"):
                self._one_in_each(np.arange(len(self.counts)) == label)

    def even_out(self) -> None:
        """Moves units from splits with too many rows to those with too few, of labels alike."""
        while True:
            over = self.given[-1] - self.target[-1]
            giver, taker = int(over.argmax()), int(over.argmin())
            most = int(min(over[giver], -over[taker]))
            rows = np.flatnonzero((self.split == giver) & (self.units.size[self.units.of] <= most))
            units = np.unique(self.units.of[self._sample(rows)])
            units = units[self.units.size[units] == self.units.size[units].max(initial=0)]
            several = 1 + most // 4 if self.units.size.max() == 1 else 1
            units = self._spared(units, giver, several)
            if len(units) == 0:
                return
            self._move(self._best(units, giver, taker)[:several], giver, taker)

    def _one_in_each(self, chosen: Array) -> None:
        """Moves units until each split has a row with one of the chosen labels, where it can."""
        given = self.given[chosen].sum(axis=0)
        if given.min() > 0:
            return
        rows = np.flatnonzero(np.append(chosen, False)[self.labels].any(axis=1))
        for _ in range(len(given)):
            units = np.unique(self.units.of[rows])
            homes = self.split[self.units.first_rows(units)]
            have = np.bincount(homes, minlength=len(given))
            giver, taker = int(have.argmax()), int(have.argmin())
            if have[taker] > 0 or have[giver] < 2:
                return
            units = self._sample(units[homes == giver])
            spared = self._spared(units, giver)
            units = spared if len(spared) else units
            units = units[self.units.size[units] == self.units.size[units].min()]
            self._move(self._best(units, giver, taker)[:1], giver, taker)

    def _spared(self, units: Array, giver: int, moved: int = 1) -> Array:
        """Returns the units without which a split keeps rows of every label and every task.

        Where there is none, those without which it keeps rows of every task.

        Args:
            units: some of the split's.
            giver: the split.
            moved: how many of them may leave it at once.
        """
        least = moved * self.units.size[units].max(initial=0)
        of_tasks = np.zeros((self._task[-1] + 1, len(self.shares)), dtype=int)
        np.add.at(of_tasks, self._task, self.given)
        labels = self.labels[self.units.first_rows(units)]
        scarce = _scarce(of_tasks, giver, least)[self._task]
        for each in (scarce | _scarce(self.given, giver, least), scarce):
            spared: Array = units[~np.append(each, False)[labels].any(axis=1)]
            if len(spared):
                break
        return spared

    def _best(self, units: Array, giver: int, taker: int) -> Array:
        """Returns units, first the one whose move brings the labels nearest to their targets."""
        lack = self.target - self.given
        gain = np.append((lack[:, taker] - lack[:, giver]) / self.counts, 0.0)
        gains = gain[self.labels[self.units.first_rows(units)]].sum(axis=1)
        best: Array = units[np.argsort(-gains, kind="stable")]
        return best

    def _move(self, units: Array, giver: int, taker: int) -> None:
        rows = self.units.rows(units)
        labels = self.labels[rows]
        self.given[:, giver] -= np.bincount(labels[labels >= 0], minlength=len(self.given))
        self._give(rows, np.full(len(rows), taker))

    def _give(self, rows: Array, splits: Array) -> None:
        self.split[rows] = splits
        if len(rows) <= len(self._example):
            np.add.at(self._given_or_none, (self.labels[rows], splits[:, np.newaxis]), 1)
            return
        places = self._alike[rows].astype(int) * len(self.shares) + splits
        count = np.bincount(places, minlength=len(self._example) * len(self.shares))
        for labels in self.labels[self._example].T:  # of rows that are alike
            np.add.at(self._given_or_none, labels, count.reshape(-1, len(self.shares)))

    def _wanted(self, label: int) -> Array:
        """Returns the number of rows with a label that each split still wants; shares if none."""
        wanted = np.maximum(self.target[label] - self.given[label], 0.0)
        return wanted if wanted.any() else self.shares

    def _even(self, count: int) -> Array:
        """Returns numbers in [0, 1) of which any run of neighbours is spread evenly."""
        even: Array = (self.generator.random() + GOLDEN * np.arange(count)) % 1.0
        return even

    def _sample(self, candidates: Array) -> Array:
        """Returns some of the candidates, as many as it pays to look at."""
        if len(candidates) <= CANDIDATES:
            return candidates
        sample: Array = self.generator.choice(candidates, CANDIDATES)
        return np.unique(sample)

    def _rows_with(self, label: int) -> Array:
        column, order = self.labels[:, self._task[label]], self._orders[self._task[label]]
        start, end = np.searchsorted(column, [label, label + 1], sorter=order)
        rows: Array = order[start:end]
        return rows


def _numbered(strata: Array) -> tuple[Array, Array]:
    """Numbers the labels of all tasks together; returns them, and the task of each number."""
    labels = np.full(strata.shape, -1, dtype=np.int32)
    tasks: list[int] = []
    for task, column in enumerate(strata.T):
        there = column >= 0
        distinct = np.flatnonzero(np.bincount(column[there]))
        numbers = np.zeros(distinct.max(initial=-1) + 2, dtype=np.int32)
        numbers[distinct] = len(tasks) + np.arange(len(distinct))
        numbers[-1] = -1
        labels[:, task] = numbers[column]
        tasks += [task] * len(distinct)
    return labels, np.array(tasks)


def _ranks(values: Array) -> Array:
    """Returns the place of each value among the different ones, in as few bytes as hold it."""
    distinct, place = np.unique(values, return_inverse=True)
    return place.astype(np.min_scalar_type(len(distinct)))


def _scarce(given: Array, giver: int, least: int) -> Array:
    """Returns of which labels, or tasks, a split has so few rows that it should not lose more."""
    scarce: Array = (given[:, giver] <= least) & (given.sum(axis=1) >= given.shape[1])
    return scarce


def _whole(weights: Array, total: int, prefer: Array) -> Array:
    """Returns whole numbers in the proportions of weights, with a sum of `total`.

    What is left after rounding down goes to the largest remainders, then to what is preferred.
    """
    exact = weights * (total / weights.sum())
    whole: Array = np.floor(exact + 1e-9).astype(int)
    order = np.lexsort((-prefer, -(exact - whole).round(9)))
    whole[order[: total - int(whole.sum())]] += 1
    return whole
