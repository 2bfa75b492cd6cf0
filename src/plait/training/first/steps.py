"""Can each task learn? Judged over the first steps in which it has labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from plait.core.batch import Batch
from plait.core.outputs import Losses, Outputs
from plait.distributed import ranks
from plait.gradients import Cut
from plait.model import MultiTaskModel
from plait.training.first.probe import is_known, labels_count, predictions_count
from plait.training.first.reach import Learning, moves, reach
from plait.training.step import StepRecord


@dataclass
class Seen:
    """The findings of the first steps on one task.

    Attributes:
        steps: those in which it had labels.
        head: whether its loss has reached its head; None if nothing learns there.
        trunk: whether it has reached what learns outside the heads; None if nothing does.
        moved: whether a gradient other than 0 has come.
        weighted: whether the method gave it a weight other than 0, as far as it is known.
        labels: whether other labels have given another loss; None if it could not be told.
        predictions: the same of other predictions; tried where no gradient came.
        static: whether its loss is that times its static weight.
        untrained: shape of a parameter that it reads and that no optimizer has; empty if none.
        loss: sum of its losses, times their static weight.
    """

    steps: int = 0
    head: bool | None = None
    trunk: bool | None = None
    moved: bool = False
    weighted: bool = False
    labels: bool | None = None
    predictions: bool | None = None
    static: bool = True
    untrained: list[int] = field(default_factory=list)
    loss: float = 0.0


def merged(found: Sequence[Seen]) -> Seen:
    """Returns the findings of several processes on the same steps, each on its own examples."""
    return Seen(
        steps=max(each.steps for each in found),
        head=_any(each.head for each in found),
        trunk=_any(each.trunk for each in found),
        moved=any(each.moved for each in found),
        weighted=any(each.weighted for each in found),
        labels=_any(each.labels for each in found),
        predictions=_any(each.predictions for each in found),
        static=all(each.static for each in found),
        untrained=next((each.untrained for each in found if each.untrained), []),
        loss=sum(each.loss for each in found) / len(found),
    )


def _any(answers: Iterable[bool | None]) -> bool | None:
    """Returns whether one is yes; None if nobody knows."""
    known = [each for each in answers if each is not None]
    return any(known) if known else None


class FirstSteps:
    """Watches the first steps, and changes nothing in them.

    The graph of a loss tells what it reaches, and `.grad` after the step whether anything came. A
    loss that is not plait's own is evaluated with other labels, on a copy.

    Args:
        model: the model.
        optimizer: has the parameters that learn.
        count: the steps with labels over which a task is judged; 0 judges none.

    Attributes:
        seen: `{task: what its steps have shown}`, of the tasks that are not frozen.
        said: whether it was said what they have shown.
        active: whether a task is still to be judged.
    """

    def __init__(self, model: MultiTaskModel, optimizer: torch.optim.Optimizer, count: int) -> None:
        self.model = model
        self.optimizer = optimizer
        self.count = count
        self.seen = {task: Seen() for task in model.learning}
        self.said = False
        self.active = count > 0
        self._losses: dict[str, list[Tensor]] = {}  # of the step, by micro-batch
        self._moved: dict[str, Sequence[Tensor]] = {}
        self._sums: dict[str, Tensor] = {}  # of the losses so far, which stay on the device

    @property
    def some(self) -> bool:
        """Whether a task was judged."""
        return any(each.steps >= self.count for each in self.seen.values())

    def observe(
        self, outputs: Sequence[Outputs], losses: Losses, batch: Batch, cut: Cut | None
    ) -> None:
        """Looks at the losses of a batch, before they are differentiated."""
        if not torch.is_grad_enabled():  # read again after the step
            return
        learning = Learning(self.model, self.optimizer)
        factors = self.model.sharing.factors()
        for task, loss in losses.items():
            seen = self.seen.get(task)
            if seen is None or seen.steps >= self.count:
                continue
            self._losses.setdefault(task, []).append(loss.detach())
            if not (seen.moved and seen.head is not False and seen.trunk is not False) or (
                seen.steps == 0
            ):
                own = [out[task] for out in outputs if task in out]
                found = reach(loss, own, task, learning, cut)
                seen.head = found.head if found.head is None else bool(seen.head) or found.head
                seen.trunk = found.trunk if found.trunk is None else bool(seen.trunk) or found.trunk
                seen.untrained = seen.untrained or next(iter(found.untrained), [])
                self._moved[task] = found.moved
            weight = self.model.tasks[task].weight
            if weight != 1.0 and seen.static:
                wanted = weight * factors.get(task, 1.0) * losses.raw[task].detach()
                seen.static = torch.allclose(loss.detach(), wanted, equal_nan=True)
            self._probe(task, seen, outputs, batch)

    def after(self, record: StepRecord) -> list[str]:
        """Counts a step that was taken, and returns the tasks that it has judged."""
        losses, self._losses = self._losses, {}
        moved, self._moved = self._moved, {}
        if record.skipped is not None or record.balance is None:
            return []
        weights = record.balance.weights
        known = {} if weights is None else dict(zip(record.balance.tasks, weights, strict=True))
        for task, parts in losses.items():
            seen = self.seen[task]
            seen.steps += 1
            mean = torch.stack(parts).double().mean()
            self._sums[task] = self._sums[task] + mean if task in self._sums else mean
            seen.weighted = seen.weighted or bool(known.get(task, 1.0) != 0)
            seen.moved = seen.moved or moves(moved.get(task, ()))
        shown = self._share(losses)
        self._count_down()
        judged = [task for task in shown if self.seen[task].steps == self.count]
        self._read_losses(judged)
        return judged

    def _share(self, tasks: Collection[str]) -> list[str]:
        """Adds what the step has shown in other processes; returns the tasks of all of them."""
        if ranks().alone:
            return [*tasks]
        self._read_losses(tasks)
        found: dict[str, list[Seen]] = {}
        for each in ranks().gather({task: self.seen[task] for task in tasks}):
            for task, seen in each.items():
                found.setdefault(task, []).append(seen)
        self.seen |= {task: merged(several) for task, several in found.items()}
        return [*found]

    def _read_losses(self, tasks: Iterable[str]) -> None:
        """Adds up the losses of some tasks; this waits for the device."""
        for task in tasks:
            if task in self._sums:
                self.seen[task].loss += float(self._sums.pop(task))

    def _count_down(self) -> None:
        self.active = any(each.steps < self.count for each in self.seen.values())

    def _probe(self, task: str, seen: Seen, outputs: Sequence[Outputs], batch: Batch) -> None:
        """Tries other labels where nobody knows the loss, and other predictions at the end."""
        made = self.model.tasks[task]
        last = seen.steps == self.count - 1 and not seen.moved
        if (seen.labels or is_known(made)) and not last:
            return
        for out, part in zip(outputs, batch.parts, strict=True):
            if task not in part.targets:
                continue
            given = out[task].detach(), part.targets[task], part.weights.get(task)
            if not (seen.labels or is_known(made)):
                found = labels_count(made, *given)
                seen.labels = seen.labels if found is None else found
            if last and not seen.predictions:
                found = predictions_count(made, *given)
                seen.predictions = seen.predictions if found is None else found

    def state_dict(self) -> dict[str, Any]:
        """Returns the findings by task."""
        self._read_losses(self.seen)
        return {"said": self.said, "seen": {t: asdict(each) for t, each in self.seen.items()}}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes over the findings of an earlier process of the run."""
        self.said = saved["said"]
        self.seen = {task: Seen(**saved["seen"].get(task, {})) for task in self.seen}
        self._count_down()
