"""Experts that are whole encoders: every level is mixed with the weights of one gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from torch import Tensor

from plait.core.features import Features
from plait.core.keys import safe_key
from plait.core.seeding import seeded
from plait.core.structure import input_of
from plait.networks import Stage, encode, reads_codes, stages_of
from plait.sharing.experts.base import SHARED, ExpertSharing, Gathered
from plait.sharing.experts.blend import Blend, Made
from plait.sharing.experts.gate_tables import GateTitle
from plait.sharing.experts.gates import Gate, GateReads, reads_of


class WholeExperts(ExpertSharing):
    """A gate for each task weighs the features of whole encoders, all levels alike."""

    def common_stages(self) -> list[Stage]:
        """Returns the stages of the shared experts, which run for any task."""
        return [stage for expert in self._experts(SHARED) for stage in stages_of(expert)]

    def _pass(self, inputs: Any, wanted: Sequence[str], found: Gathered) -> None:
        """Runs the experts of the wanted tasks once, and mixes them for each."""
        common = [encode(expert, inputs) for expert in self._experts(SHARED)]
        among_all = Experts(common)
        for task in wanted:
            own = [encode(expert, inputs) for expert in self._experts(safe_key(task))]
            experts = Experts([*own, *common]) if own else among_all
            weights = self._weights(task, inputs, experts.blends[-1], found)
            found.features[task] = experts.mixed(weights)

    def _weights(self, task: str, inputs: Any, blend: Blend, found: Gathered) -> Tensor:
        """Returns the weights of a task's experts."""
        weights = cast(Gate, self.gates[safe_key(task)]).weights(inputs, blend)
        found.watch(GateTitle(type(self).__name__), task, weights, self._names(task))
        return weights

    def _add_gates(self, example: Any, seed: int) -> None:
        """Makes a gate for each task, from its name."""
        for task in self.tasks:
            key = safe_key(task)
            number = len(self._experts(key)) + len(self._experts(SHARED))
            with seeded(seed, "gate", task):
                self.gates[key] = Gate(number, self._reads(task, example), self.gate_hidden)

    def _reads(self, task: str, example: Any) -> GateReads:
        made, coded = self.shapes[task].channels(), reads_codes(self.prototype())
        return reads_of(self.gate_input, input_of(task, example), made, coded=coded)


class Experts:
    """The features that some experts made of one input. Lives for one pass."""

    def __init__(self, features: Sequence[Features]) -> None:
        self.features = features
        levels = zip(*(each.levels for each in features), strict=True)
        self.blends = [
            Blend([Made(values, features[0].channel_dim, features[0].mask) for values in level])
            for level in levels
        ]

    def mixed(self, weights: Tensor) -> Features:
        """Returns the sum of the features with the weights `[B, E]` or `[E]`, level by level."""
        return replace(self.features[0], levels=tuple(blend.by(weights) for blend in self.blends))
