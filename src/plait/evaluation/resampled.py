"""The metrics of a model on resamples of its test part."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.core.rows import rows_of
from plait.core.structure import PerTask
from plait.evaluation.kept_rows import KeptRows, joined
from plait.evaluation.meter import Meter
from plait.evaluation.task_meters import TaskMeters
from plait.evaluation.unit_sums import UnitSums
from plait.evaluation.units import BLOCKS, Place, Units
from plait.runs.resamples import Resamples
from plait.tasks.base import BaseTask

DRAWS = 200
AT_ONCE = 2**22  # numbers of predictions that are kept before the metrics read them


class Resampler:
    """Computes all metrics of a model on resamples of its test part, the bootstrap.

    `evaluate` feeds it what it reads, so that the test part is read once. Each resample draws as
    many units (rows, or groups of them) as there are, with replacement; see `Units`. Rows of
    several sources are drawn source by source, and where inputs differ by task each task's rows by
    themselves. A row without a label of a task carries none.

    Args:
        tasks: `{name: task}` of the model.
        known: `{source: number of rows, or groups [N]}`, as `units_of` of the test data gives them.
        draws: the number of resamples, 200 by default.

    Cost: a metric whose states in torchmetrics are sums reads each row once; others, such as areas
        under a curve, are computed anew on each resample, and all their rows are kept on the CPU.

    Reference: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993.

    Example:
        >>> from plait.tasks import Regression
        >>> task = Regression("size")
        >>> resampler = Resampler({"size": task}, {"": 2}, draws=3)
        >>> inputs, labels = torch.zeros(2, 5), torch.tensor([[1.0], [2.0]])
        >>> resampler.add(Batch.of(inputs, {"size": labels}, [task]), [{"size": labels + 1}])
        >>> resampler.compute().metrics["size"]["mae"]
        [1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        tasks: Mapping[str, BaseTask],
        known: Mapping[str, int | Tensor],
        *,
        draws: int = DRAWS,
    ) -> None:
        self.draws = draws
        self._units = Units(known)
        self._tasks = {name: _TaskResampler(task, self._units) for name, task in tasks.items()}

    def add(self, batch: Batch, outputs: Sequence[Mapping[str, Tensor]]) -> None:
        """Adds a batch, with all its rows, and what the model gave for it.

        Args:
            batch: in the order of the data; on any device.
            outputs: `{task: prediction}` of each part that has a label.
        """
        given = iter(outputs)
        for part in batch.parts:
            alone = isinstance(part.inputs, PerTask)
            rows = rows_of(part, self._tasks)
            shared = {"": next(iter(rows.values()))}
            taken = {
                own: self._units.take((part.source, own), count)
                for own, count in (rows if alone else shared).items()
            }
            out = next(given) if part.counts else {}
            for name in part.targets:
                own = name if alone else ""
                self._tasks[name].add(
                    (part.source, own),
                    taken[own],
                    KeptRows(out[name], part.targets[name], part.weights.get(name)),
                )

    def compute(self) -> Resamples:
        """Returns the metrics on each resample of all that was added.

        Raises:
            DataError: not all rows of a source were added, or some twice.
        """
        self._units.close()
        metrics = {name: task.compute(self.draws) for name, task in self._tasks.items()}
        return Resamples(
            draws=self.draws,
            of=self._units.of,
            units={name: task.labelled for name, task in self._tasks.items()},
            metrics=metrics,
        )


class _TaskResampler:
    """The rows of one task that have a label, and its metrics on resamples of them."""

    def __init__(self, task: BaseTask, units: Units) -> None:
        self._task = task
        self._units = units
        self._meters: dict[str, Meter] = TaskMeters(task, "cpu").meters
        self._sums = {name: UnitSums(each) for name, each in self._meters.items() if each.sums}
        self._pieces: list[tuple[Place, Tensor, KeptRows]] = []
        self._read = 0  # pieces that the sums have read
        self._waiting = 0  # numbers that they have not
        self._slots: dict[Place, int] = {}  # the first slot of a place: `BLOCKS` for each
        self._seen: set[int] = set()

    @property
    def labelled(self) -> int:
        """The number of units with a label, of those that were read."""
        return len(self._seen)

    def add(self, place: Place, taken: Tensor, rows: KeptRows) -> None:
        """Adds rows, `taken` being their places; those without a label are left out."""
        mass = self._task.label_weights(rows.target, rows.weights) > 0
        there = (mass.flatten(1).any(dim=1) if mass.dim() > 1 else mass.reshape(-1)).cpu()
        if len(there) != len(taken):
            raise DataError(
                f"task {self._task.name!r} has {len(there)} labels for {len(taken)} rows of a "
                "batch; resamples need one entry for each row. Test without resamples."
            )
        self._slots.setdefault(place, len(self._slots) * BLOCKS)
        chosen = rows.cpu()[there.nonzero().flatten()]
        self._pieces.append((place, taken[there], chosen))
        self._waiting += chosen.numbers
        if self._waiting > AT_ONCE and all(self._units.known(each) for each in self._slots):
            self._read_waiting()

    def compute(self, draws: int) -> dict[str, list[float]]:
        """Returns `{metric: value on each resample}`."""
        if not self._pieces and not self._seen:
            return {name: [math.nan] * draws for name in self._meters}
        if self._read < len(self._pieces):
            self._read_waiting()
        counts = torch.zeros(draws, len(self._slots) * BLOCKS, dtype=torch.float64)
        for place, first in self._slots.items():
            drawn = self._units.draws(place, draws)
            counts[:, first : first + drawn.shape[1]] = drawn
        found = {name: each.compute(counts) for name, each in self._sums.items()}
        found |= self._anew(counts)
        return {name: found[name] for name in self._meters}

    def _read_waiting(self) -> None:
        """Lets the sums read, unit by unit, the rows that they have not read."""
        slots, rows = self._joined(self._pieces[self._read :])
        order = slots.argsort(stable=True)
        units, sizes = torch.unique_consecutive(slots[order], return_counts=True)
        self._seen |= set(units.tolist())
        self._waiting, self._read = 0, len(self._pieces)
        if not self._sums:
            return
        if len(self._sums) == len(self._meters):  # nobody reads these rows again
            self._pieces, self._read = [], 0
        rows, start = rows[order], 0
        for unit, size in zip(units.tolist(), sizes.tolist(), strict=True):
            chosen = self._chosen(rows[start : start + size])
            for each in self._sums.values():
                each.add(unit, *chosen(each.meter))
            start += size

    def _anew(self, counts: Tensor) -> dict[str, list[float]]:
        """Computes the metrics that are no sums on the rows of each resample."""
        meters = {name: each for name, each in self._meters.items() if name not in self._sums}
        found: dict[str, list[float]] = {name: [] for name in meters}
        if not meters:
            return found
        slots, rows = self._joined(self._pieces)
        every = torch.arange(len(slots))
        for times in counts.long():
            chosen = self._chosen(rows[every.repeat_interleave(times[slots])])
            for name, meter in meters.items():
                meter.update(*chosen(meter))
                found[name].append(meter.compute())
                meter.reset()
        return found

    def _joined(self, pieces: Sequence[tuple[Place, Tensor, KeptRows]]) -> tuple[Tensor, KeptRows]:
        """Returns the slot of each row, and the rows."""
        slots = [
            self._slots[place] + self._units.blocks(place)[taken] for place, taken, _ in pieces
        ]
        return torch.cat(slots), joined([rows for _, _, rows in pieces], self._task.missing)

    def _chosen(self, rows: KeptRows) -> Callable[[Meter], tuple[Any, Any]]:
        """Returns a function that gives a meter its predictions and labels of some rows."""
        batch = (rows.prediction, rows.target, rows.weights)
        selected = self._task.select(*batch)
        return lambda meter: self._task.sequences(*batch) if meter.whole else selected
