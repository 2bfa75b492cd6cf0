"""From inputs to predictions: sharing, connections and heads, one task after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
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
from plait.gradients import Cut
from plait.sharing import Separate, Sharing


class Flow:
    """One forward pass.

    Args:
        sharing: from the inputs to the features.
        connections: in the order in which they act.
        heads: `{task: head}`.
        early: `{task: head}` of the features before the exchange.
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
        self.penalties = [each for each in connections if isinstance(each, PenaltyConnection)]
        self.heads = heads
        self.early = early
        self.order = order

    def __call__(self, inputs: Any, wanted: Collection[str], cut: Cut | None = None) -> Outputs:
        """Returns the predictions of the wanted tasks; runs of the others what these read.

        Args:
            inputs: one common input, or `PerTask({task: inputs})`.
            wanted: the tasks that are wanted.
            cut: cuts the heads' graphs off from the features.

        Raises:
            ConfigError: an unknown task is wanted.
            UnsupportedError: a cut where predictions or features pass between the tasks.
        """
        if cut is not None:
            return self._cut(inputs, wanted, cut)
        needed = self._needed(wanted)
        waits = any(each.level == "input" for each in self.forward)
        shared = TaskFeatures({}) if waits else self._share(inputs, needed, {})
        raw: list[dict[str, Features]] = [dict(shared), *({} for _ in self.forward)]
        given: dict[str, Tensor] = {}  # by the heads
        handed: dict[str, Tensor] = {}  # handed out
        for task in needed:
            if waits:
                shared = self._share(inputs, [task], self._entering(task, handed))
                raw[0] |= shared
            for position, each in enumerate(self.forward):
                raw[position + 1][task] = each.features(task, raw[position], raw[-1], handed)
            given[task] = handed[task] = self.heads[task](raw[-1][task])
            for each in self.forward:
                handed[task] = each.prediction(task, {**given, task: handed[task]})
        tasks = [task for task in self.heads if task in wanted]
        return Outputs(
            {task: handed[task] for task in tasks},
            features={task: raw[-1][task] for task in tasks},
            early={task: [self.early[task](raw[0][task])] for task in tasks if task in self.early},
            terms=shared.terms,
            watched=shared.watched,
        )

    def _cut(self, inputs: Any, wanted: Collection[str], cut: Cut) -> Outputs:
        """Returns predictions whose graphs end at the features."""
        for each in (*self.forward, *self.penalties):
            raise UnsupportedError(
                f"at='features' differentiates each head alone; {type(each).__name__} reads what "
                "several of them give. Use at='parameters'."
            )
        shared = self._share(inputs, wanted, {})
        predictions = {
            task: self.heads[task](replace(own, levels=tuple(map(cut, own.levels))))
            for task, own in shared.items()
        }
        return Outputs(predictions, features=shared, terms=shared.terms, watched=shared.watched)

    def _share(
        self, inputs: Any, tasks: Collection[str], entering: Mapping[str, Tensor]
    ) -> TaskFeatures:
        if not self.stage and not entering:
            found: TaskFeatures = self.sharing(inputs, tasks)
            return found
        assert isinstance(self.sharing, Separate)
        return self.sharing.connected(inputs, tasks, self.stage, entering)

    def _entering(self, task: str, handed: Mapping[str, Tensor]) -> dict[str, Tensor]:
        total: Tensor | None = None
        for each in self.forward:
            part = each.entering(task, handed)
            if part is not None:
                total = part if total is None else total + part
        return {} if total is None else {task: total}

    def _needed(self, wanted: Collection[str]) -> list[str]:
        """Returns the wanted tasks and all that they read, in order."""
        for task in wanted:
            if task not in self.heads:
                raise ConfigError(unknown("task", task, self.heads))
        needed = set(wanted)
        if needed and any(each.symmetric for each in self.forward):
            needed = set(self.order)
        for task in reversed(self.order):
            if task in needed:
                for each in self.forward:
                    needed.update(each.parents(task))
        return [task for task in self.order if task in needed]
