"""A mixture of data sets in a training: said before the first step, counted in all of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from plait.core.batch import Batch
from plait.core.structure import tensors
from plait.data import Mixture
from plait.data.mixture.plan import plan
from plait.distributed import ranks
from plait.runs import EventLog, MixtureSeen
from plait.runs.mixture import mixture_lines
from plait.training.labels import LabelStatistics
from plait.training.settings import described
from plait.training.state import State


class MixtureLog:
    """Says what an epoch of a mixture is, and counts what is read; nothing of other loaders.

    Args:
        loader: of the training.

    Attributes:
        lines: what an epoch is, and what each source gives to it; empty without a mixture.
    """

    def __init__(self, loader: Any) -> None:
        self._mixture = loader if isinstance(loader, Mixture) else None
        self._plan = None if self._mixture is None else plan(self._mixture)
        self.lines = [] if self._plan is None else mixture_lines(self._plan)

    @property
    def settings(self) -> dict[str, Any]:
        """`{"mixture": settings}`, in which a resumed run must agree with the first; or nothing."""
        if self._mixture is None:
            return {}
        given = {name: getattr(self._mixture, name) for name in ("mixing", "seed", "steps")}
        sizes = {name: vars(size) for name, size in self._mixture.sizes.items()}
        return {"mixture": described({**given, "sources": sizes})}

    @property
    def ended(self) -> str:
        """Why the last epoch ended before its steps were done; "" if it did not."""
        return "" if self._mixture is None else self._mixture.ended

    def begin(self, log: EventLog) -> None:
        """Writes what an epoch is."""
        if self._plan is not None:
            log.write(self._plan)

    def count(self, state: State, batches: Iterable[Batch]) -> None:
        """Adds the examples and labels of a step to the state."""
        if self._mixture is None:
            return
        examples = dict.fromkeys(self._mixture.sources, 0)
        labels = dict.fromkeys((task.name for task in self._mixture.tasks), 0.0)
        for batch in batches:
            for part in batch.parts:
                examples[part.source] += part.examples or _rows(part.inputs)
                for task, mass in part.counts.items():
                    labels[task] += mass
        numbers = iter(ranks().total([*examples.values(), *labels.values()]))
        for name, number in zip(examples, islice(numbers, len(examples)), strict=True):
            if number:
                state.examples[name] = state.examples.get(name, 0) + int(number)
        for name, number in zip(labels, numbers, strict=True):
            if number:
                state.labels[name] = state.labels.get(name, 0.0) + number

    def finish(self, state: State, labels: LabelStatistics, log: EventLog) -> None:
        """Writes what was read so far; reads the labels of sources that the epoch did not draw.

        Those are read once more than they are trained on; what is drawn later stays what it is.
        """
        mixture = self._mixture
        if mixture is None:
            return
        labels.stop_counting()  # an epoch has the rows of a source several times, or some of them
        if labels.missing and ranks().first:
            for name in mixture.sources:
                if name not in state.examples:
                    labels.add(mixture.first_pass(name))
        log.write(
            MixtureSeen(
                epoch=state.epoch,
                step=state.step,
                examples={name: state.examples.get(name, 0) for name in mixture.sources},
                labels=dict(state.labels),
                note=mixture.ended,
            )
        )


def _rows(inputs: Any) -> int:
    """Returns the examples of inputs without a label; 0 of objects that nobody can count."""
    first = next(tensors(inputs), None)
    return 0 if first is None or first.dim() == 0 else len(first)
