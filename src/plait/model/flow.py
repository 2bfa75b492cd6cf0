"""From inputs to predictions: sharing, connections and heads, one task after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, UnsupportedError, unknown
from plait.core.features import Features
from plait.core.keys import safe_key
from plait.core.names import Names
from plait.core.outputs import Outputs, TaskFeatures
from plait.core.structure import PerTask, input_of
from plait.gradients import Cut
from plait.model.blocks import Blocks
from plait.model.connections import Connections
from plait.networks.halves import Shift
from plait.networks.untouched import untouched
from plait.sharing import Separate, Sharing


class Flow:
    """The way of an input through a model; made once, and called in each forward pass.

    Args:
        connections: of the model, sorted, after their setup.
        heads: `{key of a task: head}`.
        early: `{key of a task: head}` of the features before the exchange, where one is supervised;
            they run in training only.

    Attributes:
        blocks: heads of like tasks that a training has joined; None without a training.
    """

    def __init__(
        self, connections: Connections, heads: nn.ModuleDict, early: nn.ModuleDict
    ) -> None:
        self.connections = connections
        self.heads = heads
        self.early = early
        self.keys = {task: safe_key(task) for task in connections.tasks}
        self.names = Names(self.keys)
        self.blocks: Blocks | None = None  # while a training has joined the heads
        self.one_pass = False

    def wanted(self, tasks: Collection[str] | None) -> Names:
        """Returns the names of the wanted tasks in the order of the model; all for None.

        Raises:
            ConfigError: an unknown task, or a name where a list of names belongs.
        """
        if tasks is None or tasks == self.names:
            return self.names
        if isinstance(tasks, str):
            raise ConfigError(
                f"`tasks` must be a list of names; found {tasks!r}. Write [{tasks!r}]."
            )
        for task in tasks:
            if task not in self.keys:
                raise ConfigError(unknown("task", task, self.keys))
        asked = set(tasks)
        return Names([task for task in self.keys if task in asked])

    def __call__(
        self,
        sharing: Sharing,
        inputs: Any,
        wanted: Collection[str] | None = None,
        cut: Cut | None = None,
    ) -> Outputs:
        """Returns the predictions of the wanted tasks; runs of the others what these read.

        Args:
            sharing: from the inputs to the features.
            inputs: one common input, or `PerTask({task: inputs})`; in the latter case all that a
                task reads runs on its input.
            wanted: the tasks that are wanted; all by default.
            cut: cuts the heads' graphs off from the features.

        Raises:
            ConfigError: as in `wanted`.
            UnsupportedError: a cut where predictions or features pass between the tasks.
        """
        tasks = self.wanted(wanted)
        common = not isinstance(inputs, PerTask)
        if cut is not None:
            outputs = self._cut(sharing, inputs, tasks, cut, common=common)
        elif common or not (self.connections.forward or self.connections.comparing()):
            outputs = self._together(sharing, inputs, tasks)
        else:
            outputs = self._one_by_one(sharing, inputs, tasks)
        outputs.common = common
        return outputs

    def _together(self, sharing: Sharing, inputs: Any, wanted: Names) -> Outputs:
        """Returns the predictions where nothing of one task's input meets that of another."""
        if not self.connections.all:  # nothing passes between the tasks
            if self.blocks is not None and self._run_at_once(inputs):
                return self.blocks(sharing, inputs, wanted, self._read)
            alone: TaskFeatures = sharing(inputs, wanted)
            return self._predicted(wanted, alone)
        compared = self.connections.compared(wanted)
        if self.connections.entering:  # a task's network waits for the predictions that enter it
            shared = TaskFeatures({})
        else:
            shared = self._share(sharing, inputs, self.connections.read(compared), {})
        outputs = self._only(wanted, self._pass(sharing, inputs, compared, shared))
        outputs.terms, outputs.watched = shared.terms, shared.watched
        return outputs

    def _predicted(self, wanted: Sequence[str], shared: TaskFeatures) -> Outputs:
        """Runs the head of each wanted task on the features of its own."""
        return Outputs(
            {task: self._read(task, shared[task]) for task in wanted},
            features=shared,
            terms=shared.terms,
            watched=shared.watched,
        )

    def run_at_once(self, blocks: Blocks | None) -> None:
        """Sets the blocks of heads, whose parameters then stand in for those of the heads."""
        self.blocks = blocks
        vars(self.heads)["stand_in"] = blocks  # see `plait.networks.walk.learning`

    @contextmanager
    def joint(self, one_pass: bool) -> Iterator[None]:
        """Lets blocks of heads run at once for a while, although a gradient is wanted.

        Args:
            one_pass: whether one backward pass of a weighted sum of the losses follows, and no
                gradients of single tasks.
        """
        before, self.one_pass = self.one_pass, one_pass
        try:
            yield
        finally:
            self.one_pass = before

    def _run_at_once(self, inputs: Any) -> bool:
        """Returns whether the heads of a block run at once in this pass."""
        if isinstance(inputs, PerTask) or torch.compiler.is_compiling():
            return False
        one_pass = self.one_pass or not torch.is_grad_enabled()
        return one_pass and self.blocks is not None and self.blocks.intact()

    def _read(self, task: str, features: Features) -> Tensor:
        """Returns the prediction of a task's head."""
        return _read(self.heads[self.keys[task]], features)

    def _one_by_one(self, sharing: Sharing, inputs: Any, wanted: Sequence[str]) -> Outputs:
        """Returns the predictions where each task has inputs of its own, which are other examples.

        Terms and numbers are those of the sharing on the tasks' own inputs.
        """
        waits = bool(self.connections.entering)
        shared = TaskFeatures({}) if waits else self._share(sharing, inputs, wanted, {})
        total = Outputs({}, terms=shared.terms, watched=shared.watched)
        for task in wanted:
            own, known = input_of(task, inputs), dict[str, Features]()
            compared = self.connections.compared([task])
            if not waits:
                known[task] = shared[task]
                others = [other for other in self.connections.read(compared) if other != task]
                known |= self._share(sharing, own, others, {}) if others else {}
            one = self._only([task], self._pass(sharing, own, compared, known))
            total |= one
            total.features |= one.features
            total.early |= one.early
            total.views += one.views
        return total

    def _only(self, wanted: Sequence[str], whole: Outputs) -> Outputs:
        """Returns the outputs of the wanted tasks, with all of them as a view for the penalties."""
        if len(wanted) == len(whole) and not self.connections.comparing():
            return whole
        return Outputs(
            {task: whole[task] for task in wanted},
            features={task: whole.features[task] for task in wanted},
            early={task: whole.early[task] for task in wanted if task in whole.early},
            views=[whole] if self.connections.comparing() else [],
        )

    def _pass(
        self,
        sharing: Sharing,
        inputs: Any,
        wanted: Sequence[str],
        known: Mapping[str, Features],
    ) -> Outputs:
        """Runs the wanted tasks and what they read in turn.

        Args:
            sharing: from the inputs to the features.
            inputs: one common input.
            wanted: tasks in order.
            known: `{task: Features}` as the sharing gives them; what is missing is found here.
        """
        forward = self.connections.forward
        raw: list[dict[str, Features]] = [dict(known), *({} for _ in forward)]
        given: dict[str, Tensor] = {}  # by the heads
        handed: dict[str, Tensor] = {}  # handed out
        for task in self.connections.needed(wanted):
            if task not in raw[0]:
                raw[0] |= self._share(sharing, inputs, [task], self._entering(task, handed))
            for position, each in enumerate(forward):
                raw[position + 1][task] = each.features(task, raw[position], raw[-1], handed)
            given[task] = handed[task] = _read(self.heads[self.keys[task]], raw[-1][task])
            for each in forward:
                handed[task] = each.prediction(task, {**given, task: handed[task]})
        return Outputs(
            {task: handed[task] for task in wanted},
            features={task: raw[-1][task] for task in wanted},
            early={
                task: [_read(head, raw[0][task])]
                for task in wanted
                if (head := self._early(task)) is not None
            },
        )

    def _cut(
        self, sharing: Sharing, inputs: Any, wanted: Sequence[str], cut: Cut, *, common: bool
    ) -> Outputs:
        """Returns predictions whose graphs end at the features."""
        if self.connections.forward:
            raise UnsupportedError(
                "at='features' differentiates each head alone; "
                f"{type(self.connections.forward[0]).__name__} lets one task's head read "
                "another's. Use at='parameters'."
            )
        compared = self.connections.compared(wanted)
        shared = self._share(sharing, inputs, compared if common else wanted, {})
        outputs = Outputs(
            {
                task: _read(
                    self.heads[self.keys[task]],
                    replace(shared[task], levels=tuple(map(cut, shared[task].levels))),
                )
                for task in wanted
            },
            features={task: shared[task] for task in wanted},
            terms=shared.terms,
            watched=shared.watched,
        )
        if self.connections.comparing():  # they reach the trunk, by predictions that are not cut
            if common:
                outputs.views = [self._pass(sharing, inputs, compared, shared)]
            else:
                outputs.views = self._one_by_one(sharing, inputs, wanted).views
        return outputs

    def _share(
        self, sharing: Sharing, inputs: Any, tasks: Sequence[str], entering: Mapping[str, Shift]
    ) -> TaskFeatures:
        """Returns the features of the tasks, with the stage connections at work."""
        if not self.connections.stage and not entering:
            found: TaskFeatures = sharing(inputs, tasks)
            return found
        assert isinstance(sharing, Separate)
        return sharing.connected(inputs, tasks, self.connections.stage, entering)

    def _early(self, task: str) -> nn.Module | None:
        """Returns the head of a task that is supervised before the exchange; None if none runs."""
        key = self.keys[task]
        if key not in self.early or not self.early[key].training:
            return None
        return self.early[key]

    def _entering(self, task: str, handed: Mapping[str, Tensor]) -> dict[str, Shift]:
        """Returns `{task: shift}` of the first value in a task's network; empty without one."""
        adding = [each for each in self.connections.entering if each.parents(task)]

        def total(body: Tensor) -> Tensor:
            return reduce(add, (each.entering(task, handed, body) for each in adding))

        return {task: total} if adding else {}


def _read(head: nn.Module, features: Features) -> Tensor:
    """Returns a head's prediction; what it reads stays as it is for others."""

    def predict(heads: Sequence[nn.Module], levels: tuple[Tensor, ...]) -> Tensor:
        own = features if levels is features.levels else replace(features, levels=levels)
        prediction: Tensor = heads[0](own)
        return prediction

    found: Tensor = untouched([head], predict, features.levels)
    return found
