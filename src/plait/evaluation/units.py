"""Units of a test part, rows or groups of rows, and how often each resample draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from plait.core.errors import DataError
from plait.core.seeding import derive_seed
from plait.data import DataSets
from plait.data.passes import batches_in

BLOCKS = 500  # at most, of the units of one source
Place = tuple[str, str]  # a source; and the task that rows belong to, "" where tasks share rows


def units_of(dataset: Any) -> dict[str, int | Tensor]:
    """Tells the units of a data set: `{source: number of rows, or groups [N]}`.

    A data set with an attribute `groups`, `[N]` numbers that are equal for rows that belong
    together, has these as its units; any other its rows. A source that does not tell its length, as
    some streams, is left out.

    Args:
        dataset: of the test part; of a `DataSets` each source by its name, else "" is the name.

    Example:
        >>> units_of([("inputs", {"task": 0}), ("inputs", {"task": 1})])
        {'': 2}
    """
    if isinstance(dataset, DataSets):
        found = {source: units_of(each) for source, each in dataset.by_source.items()}
        return {source: own[""] for source, own in found.items() if own}
    groups = getattr(dataset, "groups", None)
    if isinstance(groups, Tensor):
        return {"": groups}
    stream = isinstance(dataset, IterableDataset)
    rows = getattr(dataset, "examples", None) if stream else batches_in(dataset)
    return {"": rows} if isinstance(rows, int) else {}


class Units:
    """Says to which unit each row belongs, in the order in which rows are read.

    A resample draws as many units as there are, with replacement; a group stays together. Of more
    than 500 units, blocks are drawn: each unit is in one of 500 blocks, by a fixed random division
    into equal sizes that knows nothing of the rows. Blocks are then exchangeable, as rows are, and
    the variance over resamples estimates the same as with single units; its relative error from
    there being 500 is sqrt(2 / 500), 6 %, beside the 10 % of 200 resamples.

    Args:
        known: `{source: number of rows, or groups [N]}`, as `units_of` gives them; rows of other
            sources are counted as they come.
    """

    def __init__(self, known: Mapping[str, int | Tensor]) -> None:
        self._groups = {
            (source, ""): torch.unique(each, return_inverse=True)[1]
            for source, each in known.items()
            if isinstance(each, Tensor)
        }
        self._sizes = {(source, ""): _rows(each) for source, each in known.items()}
        self._read: dict[Place, int] = {}
        self._blocks: dict[Place, Tensor] = {}

    @property
    def of(self) -> str:
        """The kind of unit: "groups" if a source has groups, else "rows"."""
        return "groups" if self._groups else "rows"

    def take(self, place: Place, rows: int) -> Tensor:
        """Returns the places `[rows]` of the next rows among all of theirs."""
        start = self._read.get(place, 0)
        self._read[place] = start + rows
        return torch.arange(start, start + rows)

    def known(self, place: Place) -> bool:
        """Whether the number of rows is known before they are read."""
        return place in self._sizes

    def close(self) -> None:
        """Ends the reading: the rows of each source are now all that were taken.

        Raises:
            DataError: there were more or fewer than was said.
        """
        for place, rows in self._read.items():
            if self._sizes.setdefault(place, rows) != rows:
                said = f" of source {place[0]!r}" if place[0] else ""
                raise DataError(
                    f"resamples{said} need each of {self._sizes[place]} rows once; found {rows}. "
                    "Read the test part in its order, and leave none out."
                )

    def blocks(self, place: Place) -> Tensor:
        """Returns the block of each row, `[N]`, from 0."""
        if place not in self._blocks:
            rows = torch.arange(self._sizes[place])
            units = self._groups.get(place, rows)
            count = _count(units)
            if count > BLOCKS:
                generator = _generator("blocks of units", place, count)
                units = (torch.randperm(count, generator=generator) % BLOCKS)[units]
            self._blocks[place] = units
        return self._blocks[place]

    def draws(self, place: Place, number: int) -> Tensor:
        """Draws resamples: the count of each block in each of them, `[number, blocks]`, float64.

        A function of the source, of how many units it has, and of `number`: equal for all networks
        that are tested on these rows, so that they can be compared resample by resample.
        """
        blocks = _count(self.blocks(place))
        units = _count(self._groups[place]) if place in self._groups else self._sizes[place]
        generator = _generator("resamples", place, units, number)
        drawn = torch.randint(max(blocks, 1), (number, blocks), generator=generator)
        counts = torch.zeros(number, blocks, dtype=torch.float64)
        return counts.scatter_add_(1, drawn, torch.ones_like(counts))


def _rows(units: int | Tensor) -> int:
    return len(units) if isinstance(units, Tensor) else units


def _count(numbers: Tensor) -> int:
    """Counts units or blocks that are numbered from 0."""
    return int(numbers.max()) + 1 if len(numbers) else 0


def _generator(what: str, place: Place, *numbers: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(what, *place, *numbers))
