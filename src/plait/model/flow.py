"""From inputs to predictions: sharing, connections and heads, one task after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

from torch import Tensor, nn

from plait.connections import (
    Connection,
    ForwardConnection,
    PenaltyConnection,
    StageConnection,
)
from plait.core.errors import ConfigError, UnsupportedError, unknown
from plait.core.features import Features
from plait.core.outputs import Outputs, TaskFeatures
from plait.core.structure import PerTask, input_of
from plait.gradients import Cut
from plait.networks.halves import Shift
from plait.sharing import Separate, Sharing


class Flow:
    """One forward pass.

    Args:
        sharing: from the inputs to the features.
        connections: in the order in which they act.
        heads: `{task: head}`.
        early: `{task: head}` of the features before the exchange; they run in training only.
        order: the tasks, every one after those that it reads.
    """

    def __init__(
        self,
        sharing: Sharing,
        connections: Sequence[Connection],
        heads: Mapping[str, nn.Module],
        early: Mapping[str, nn.Module],
        order: Sequence[str],
    ) -> None:
        self.sharing = sharing
        self.stage = [each for each in connections if isinstance(each, StageConnection)]
        self.forward = [each for each in connections if isinstance(each, ForwardConnection)]
        self.entering = [each for each in self.forward if each.level == "input"]
        self.penalties = [
            each for each in connections if isinstance(each, PenaltyConnection) and _compares(each)
        ]
        self.heads = heads
        self.early = {task: head for task, head in early.items() if head.training}
        self.order = order

    def __call__(self, inputs: Any, wanted: Collection[str], cut: Cut | None = None) -> Outputs:
        """Returns the predictions of the wanted tasks; runs of the others what these read.

        Args:
            inputs: one common input, or `PerTask({task: inputs})`; in the latter case all that a
                task reads runs on its input.
            wanted: the tasks that are wanted.
            cut: cuts the heads' graphs off from the features.

        Raises:
            ConfigError: an unknown task is wanted.
            UnsupportedError: a cut where predictions or features pass between the tasks.
        """
        for task in wanted:
            if task not in self.heads:
                raise ConfigError(unknown("task", task, self.heads))
        tasks = [task for task in self.heads if task in wanted]
        if cut is not None:
            outputs = self._cut(inputs, tasks, cut)
        elif isinstance(inputs, PerTask) and (self.forward or self.penalties):
            outputs = self._one_by_one(inputs, tasks)
        else:
            outputs = self._together(inputs, tasks)
        outputs.common = not isinstance(inputs, PerTask)
        return outputs

    def _together(self, inputs: Any, wanted: Sequence[str]) -> Outputs:
        """Returns the predictions for one common input."""
        compared = self._compared(wanted)
        shared = TaskFeatures({})
        if not self.entering:  # else a task's network waits for the predictions that enter it
            shared = self._share(inputs, self._read(compared), {})
        outputs = self._only(wanted, self._pass(inputs, compared, shared))
        outputs.terms, outputs.watched = shared.terms, shared.watched
        return outputs

    def _one_by_one(self, inputs: PerTask, wanted: Sequence[str]) -> Outputs:
        """Returns the predictions where each task has inputs of its own, which are other examples.

        Terms and numbers are those of the sharing on the tasks' own inputs.
        """
        shared = TaskFeatures({}) if self.entering else self._share(inputs, wanted, {})
        total = Outputs({}, terms=shared.terms, watched=shared.watched)
        for task in wanted:
            own, known = input_of(task, inputs), dict[str, Features]()
            compared = self._compared([task])
            if not self.entering:
                known[task] = shared[task]
                others = [other for other in self._read(compared) if other != task]
                known |= self._share(own, others, {}) if others else {}
            one = self._only([task], self._pass(own, compared, known))
            total |= one
            total.features |= one.features
            total.early |= one.early
            total.views += one.views
        return total

    def _only(self, wanted: Sequence[str], whole: Outputs) -> Outputs:
        """Returns the outputs of the wanted tasks, with all of them as a view for the penalties."""
        return Outputs(
            {task: whole[task] for task in wanted},
            features={task: whole.features[task] for task in wanted},
            early={task: whole.early[task] for task in wanted if task in whole.early},
            views=[whole] if self.penalties else [],
        )

    def _pass(self, inputs: Any, wanted: Sequence[str], known: Mapping[str, Features]) -> Outputs:
        """Runs the wanted tasks and what they read in turn.

        Args:
            inputs: one common input.
            wanted: tasks in order.
            known: `{task: Features}` as the sharing gives them; what is missing is found here.
        """
        raw: list[dict[str, Features]] = [dict(known), *({} for _ in self.forward)]
        given: dict[str, Tensor] = {}  # by the heads
        handed: dict[str, Tensor] = {}  # handed out
        for task in self._needed(wanted):
            if task not in raw[0]:
                raw[0] |= self._share(inputs, [task], self._entering(task, handed))
            for position, each in enumerate(self.forward):
                raw[position + 1][task] = each.features(task, raw[position], raw[-1], handed)
            given[task] = handed[task] = self.heads[task](raw[-1][task])
            for each in self.forward:
                handed[task] = each.prediction(task, {**given, task: handed[task]})
        return Outputs(
            {task: handed[task] for task in wanted},
            features={task: raw[-1][task] for task in wanted},
            early={task: [self.early[task](raw[0][task])] for task in wanted if task in self.early},
        )

    def _cut(self, inputs: Any, wanted: Sequence[str], cut: Cut) -> Outputs:
        """Returns predictions whose graphs end at the features."""
        if self.forward:
            raise UnsupportedError(
                f"at='features' differentiates each head alone; {type(self.forward[0]).__name__} "
                "lets one task's head read another's. Use at='parameters'."
            )
        own, compared = isinstance(inputs, PerTask), self._compared(wanted)
        shared = self._share(inputs, wanted if own else compared, {})
        outputs = Outputs(
            {
                task: self.heads[task](
                    replace(shared[task], levels=tuple(map(cut, shared[task].levels)))
                )
                for task in wanted
            },
            features={task: shared[task] for task in wanted},
            terms=shared.terms,
            watched=shared.watched,
        )
        if self.penalties:  # they reach the trunk, by predictions that are not cut off
            again = (
                self._one_by_one(inputs, wanted) if own else self._pass(inputs, compared, shared)
            )
            outputs.views = again.views if own else [again]
        return outputs

    def _share(
        self, inputs: Any, tasks: Sequence[str], entering: Mapping[str, Shift]
    ) -> TaskFeatures:
        if not self.stage and not entering:
            found: TaskFeatures = self.sharing(inputs, tasks)
            return found
        assert isinstance(self.sharing, Separate)
        return self.sharing.connected(inputs, tasks, self.stage, entering)

    def _entering(self, task: str, handed: Mapping[str, Tensor]) -> dict[str, Shift]:
        """Returns what is added to the first value in a task's network, if anything is."""
        adding = [each for each in self.entering if each.parents(task)]

        def total(body: Tensor) -> Tensor:
            return reduce(add, (each.entering(task, handed, body) for each in adding))

        return {task: total} if adding else {}

    def _compared(self, wanted: Sequence[str]) -> list[str]:
        """Returns the wanted tasks and those that a penalty compares with one of them, in order."""
        edges = [edge for each in self.penalties for edge in each.active]
        near = {task for edge in edges for task in edge if set(edge) & set(wanted)}
        return [task for task in self.heads if task in near or task in wanted]

    def _needed(self, wanted: Collection[str]) -> list[str]:
        """Returns the wanted tasks and all whose predictions or final features they read."""
        needed = set(wanted)
        for task in reversed(self.order):
            if task in needed:
                for each in self.forward:
                    needed.update(() if each.symmetric else each.parents(task))
        return [task for task in self.order if task in needed]

    def _read(self, wanted: Collection[str]) -> list[str]:
        """Returns the tasks whose features are read: those needed, and who exchanges with them."""
        needed = self._needed(wanted)
        read = set(needed)
        for each in self.forward:
            if each.symmetric:
                read.update(*map(each.parents, needed))
        return [task for task in self.order if task in read]


def _compares(penalty: PenaltyConnection) -> bool:
    """Returns whether a penalty reads what tasks make of one input, in training."""
    return penalty.reads_outputs and penalty.training and len(penalty.active) > 0
