"""The labels and examples of a step, as all processes have them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from plait.core.batch import Batch
from plait.core.numbers import added
from plait.distributed import Ranks
from plait.engine.wholes import Whole, wholes_of


def wholes_in(groups: Sequence[Sequence[Batch]], tasks: Iterable[str], here: Ranks) -> list[Whole]:
    """Adds up labels and examples of each independent batch over its micro-batches.

    The examples of a single micro-batch in one process are not counted: nobody asks.

    Args:
        groups: the micro-batches of this process, for each independent batch.
        tasks: of the model.
        here: the processes, which exchange one vector between their hosts.
    """
    if here.alone:
        return [
            Whole(labels_of(group), _examples(group) if len(group) > 1 else 0) for group in groups
        ]
    counts = [[batch.counts for batch in group] for group in groups]
    return wholes_of(here, list(tasks), counts, [*map(_examples, groups)])


def labels_of(batches: Sequence[Batch]) -> Mapping[str, float]:
    """Returns `{task: mass of its labels}` over all batches of this process."""
    if len(batches) == 1:
        return batches[0].counts
    return added(batch.counts for batch in batches)


def _examples(batches: Iterable[Batch]) -> int:
    return sum(batch.examples for batch in batches)
