"""The labels and examples of a step, as all processes have them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from plait.core.batch import Batch
from plait.core.numbers import added
from plait.distributed import Ranks


@dataclass(frozen=True)
class Whole:
    """The size of an independent batch of a step.

    Attributes:
        counts: `{task: mass of its labels}`, above 0.
        examples: their number; 0 of a single micro-batch in one process, where nobody asks.
    """

    counts: Mapping[str, float]
    examples: int


def wholes_of(groups: Sequence[Sequence[Batch]], tasks: Iterable[str], here: Ranks) -> list[Whole]:
    """Adds up labels and examples of each independent batch over its micro-batches.

    Args:
        groups: the micro-batches of this process, for each independent batch.
        tasks: of the model.
        here: the processes, which exchange one vector between their hosts.
    """
    if here.alone:
        return [
            Whole(labels_of(group), _examples(group) if len(group) > 1 else 0) for group in groups
        ]
    names = list(tasks)
    own = [labels_of(group) for group in groups]
    rows = [
        [float(_examples(group)), *(counts.get(name, 0.0) for name in names)]
        for group, counts in zip(groups, own, strict=True)
    ]
    numbers = iter(here.total([number for row in rows for number in row]))
    found = []
    for _ in groups:
        examples = int(next(numbers))
        counts = {name: next(numbers) for name in names}
        found.append(Whole({name: n for name, n in counts.items() if n > 0}, examples))
    return found


def labels_of(batches: Sequence[Batch]) -> Mapping[str, float]:
    """Returns `{task: mass of its labels}` over all batches of this process."""
    if len(batches) == 1:
        return batches[0].counts
    return added(batch.counts for batch in batches)


def _examples(batches: Iterable[Batch]) -> int:
    return sum(batch.examples for batch in batches)
