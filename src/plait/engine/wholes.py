"""The independent batches of a step, as all processes have them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plait.core.numbers import added
from plait.distributed import Ranks

Labels = Mapping[str, float]  # {task: label count}
Counts = Sequence[Sequence[Labels]]  # of each micro-batch of each independent batch


@dataclass(frozen=True)
class Whole:
    """The size of an independent batch of a step.

    Attributes:
        counts: `{task: mass of its labels}`, above 0.
        examples: their number; 0 where nobody asks.
        parts: the micro-batches that each process has of it.
    """

    counts: Labels
    examples: int = 0
    parts: Sequence[int] = (1,)


def wholes_of(
    here: Ranks, names: list[str], counts: Counts, examples: Sequence[int] | None = None
) -> list[Whole]:
    """Adds up what the processes have of each independent batch, in one exchange of their hosts.

    Args:
        here: the processes.
        names: tasks that all of them know, in one order; new ones are added to the list, which
            takes two exchanges more.
        counts: label counts of the micro-batches of this process.
        examples: those of this process, for each batch; 0 by default.
    """
    mine = [added(parts) for parts in counts]
    sizes = examples or [0] * len(counts)
    while True:
        new = {task for each in mine for task in each}.difference(names)
        numbers: list[float] = [len(new)]
        for parts, labels, size in zip(counts, mine, sizes, strict=True):
            numbers += [size, len(parts), *(labels.get(name, 0.0) for name in names)]
        table = here.table(numbers)
        if not any(row[0] for row in table):
            break
        own = dict.fromkeys(task for each in mine for task in each)
        names[:] = here.union([*names, *own])
    width = 2 + len(names)
    starts = range(1, len(numbers), width)
    return [_whole(names, [row[start : start + width] for row in table]) for start in starts]


def _whole(names: Sequence[str], rows: Sequence[Sequence[float]]) -> Whole:
    """Returns a batch of which each process has a row: examples, micro-batches, label counts."""
    examples, _, *counts = map(sum, zip(*rows, strict=True))
    labels = {name: n for name, n in zip(names, counts, strict=True) if n > 0}
    return Whole(labels, int(examples), tuple(int(row[1]) for row in rows))
