"""Experts that are levels of encoders: gates mix the outputs of a level before the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from plait.core.features import Features
from plait.core.keys import safe_key
from plait.core.seeding import seeded
from plait.core.structure import input_of
from plait.networks import (
    channel_dim_of,
    ends_of_blocks,
    grid_of,
    one_tensor,
    reads_codes,
    remaining,
    run_stage,
    stages_of,
    unmasked,
)
from plait.sharing.experts.base import SHARED, ExpertSharing
from plait.sharing.experts.blend import Blend, Made
from plait.sharing.experts.gate_tables import GateTitle
from plait.sharing.experts.gates import Gate, GateReads, common_reads, reads_of


class LevelExperts(ExpertSharing):
    """A branch for each task, and one of all, that gates lead from level to level.

    A level is a block of the encoder: a stage with parameters and those without that follow it. Its
    experts are that block of each copy.

    Attributes:
        ends: index of the last stage of each level; empty before `setup`.
    """

    ends: tuple[int, ...] = ()

    @property
    def depth(self) -> int:
        """The number of levels."""
        return len(self.ends)

    def _find_levels(self) -> None:
        """Finds the levels of the experts, and keeps the shapes of these alone."""
        self.ends = tuple(ends_of_blocks(stages_of(self.prototype())))
        for task, shape in self.shapes.items():
            levels = tuple(shape.levels[end] for end in self.ends)
            self.shapes[task] = replace(shape, levels=levels)

    def _reads(self, level: int, example: Any) -> GateReads:
        """Returns the input of the gates at a level; all of them meet the inputs of all tasks."""
        all_reads: dict[str, GateReads] = {}
        coded = reads_codes(self.prototype())
        for task, shape in self.shapes.items():
            entering, channels = input_of(task, example), None
            if level > 0:
                entering = torch.empty(2, *shape.levels[level - 1], device="meta")
                channels = shape.channels(level - 1)
            made = shape.channels(level)
            all_reads[task] = reads_of(self.gate_input, entering, made, channels, coded=coded)
        return common_reads(all_reads, type(self).__name__)

    def _add_gate(self, owner: str, level: int, experts: int, reads: GateReads, seed: int) -> None:
        """Makes the gate of a branch at a level.

        Args:
            owner: the key of a task, or `SHARED`.
            level: 0 is that of the raw input.
            experts: how many it mixes.
            reads: what it reads.
            seed: of its weights.
        """
        with seeded(seed, "gate", owner, level):
            self.gates[gate_key(owner, level)] = Gate(experts, reads, self.gate_hidden)

    def _run(self, owner: str, level: int, entering: Any, mask: Tensor | None) -> list[Made]:
        """Runs the experts of an owner on the input of their branch."""
        first = self.ends[level - 1] + 1 if level else 0
        made: list[Made] = []
        for expert in self._experts(owner):
            hidden = entering
            for stage in stages_of(expert)[first : self.ends[level] + 1]:
                hidden = run_stage(stage, hidden, mask)
            values = one_tensor(hidden, self.ends[level], expert)
            made.append(Made(values, channel_dim_of(expert), remaining(mask, expert)))
        return made

    def _weigh(self, owner: str, level: int, entering: Any, blend: Blend) -> Tensor:
        """Returns the weights of a branch's experts at a level."""
        return cast(Gate, self.gates[gate_key(owner, level)]).weights(entering, blend)

    def _title(self, level: int, group: str = "") -> GateTitle:
        return GateTitle(type(self).__name__, level, group)

    def _all_names(self) -> list[str]:
        """Returns the names of all experts, those of the tasks first."""
        owners = [(task, safe_key(task)) for task in self.tasks] + [(SHARED, SHARED)]
        return [
            f"{name} {number + 1}"
            for name, key in owners
            for number in range(len(self._experts(key)))
        ]

    def _features(self, levels: Sequence[Tensor], inputs: Any) -> Features:
        encoder = self.prototype()
        mask, grid = unmasked(inputs, encoder)[1], grid_of(inputs, encoder)
        left = remaining(mask, encoder)
        return Features(tuple(levels), channel_dim_of(encoder), left, grid)


def gate_key(owner: str, level: int) -> str:
    """Returns the key of a branch's gate (or other parameters) at a level."""
    return f"{owner}/{level}"
