"""Units of each task that mix the experts of all, level by level, and keep their own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.keys import safe_key
from plait.core.seeding import seeded
from plait.networks import Copies, EncoderLike, unmasked
from plait.sharing.experts.base import SHARED, Counts, Gathered, checked_counts, counts_of
from plait.sharing.experts.blend import Blend
from plait.sharing.experts.gates import GateInput
from plait.sharing.experts.levels import LevelExperts, gate_key


class AdaTT(LevelExperts):
    """Adaptive task-to-task fusion: each task's gate sees all experts; its own enter once more.

        x_u^l = g_u^l(x_u^(l-1)) E^l + sum_k v_uk^l f_uk^l(x_u^(l-1))
        E^l = [f_uk^l(x_u^(l-1)) for all units u, k <= m_u],    x_u^0 = x,    y_t = h_t(x_t^L)

    Units u are the tasks, and one that is shared if there are shared experts. f^l is level l of a
    copy of the encoder: one of its blocks, a stage with parameters and those without that follow
    it. The gates g are softmax(G r + b) over all experts; r is what they read. v = 1 if every unit
    has one expert; else it is learned. The shared unit has no gate at the last level, l = L.

    Args:
        encoder: any module, or a factory of one. It is copied and not used itself.
        task_experts: m_t, a number for every task or `{task: number}`, at least 1; 1 by default, as
            in the authors' code.
        shared_experts: experts of the shared unit, at least 0; 0 by default: the variant AdaTT-sp,
            the default of the authors' code. 1 and more is the general form.
        copies: "reset" draws new weights for each expert, from (seed, task, its number); "clone"
            keeps those of a trained encoder. Clones differ by their gates' weights alone, and part
            slowly.
        gate_input: what a gate reads, as in `PLE`.
        gate_hidden: widths of hidden layers with ReLU in the gates, whose last layer then has no
            bias; none by default, as in the authors' code.

    Raises:
        ConfigError: an option outside its range; `task_experts` by task that do not name every
            task; "input" of something that is not one tensor of floats.
        ShapeError: inputs that differ by task have different widths at a gate.

    Watched: for each level, "AdaTT: gates, level 1", the mean weight of each expert by unit,
        without v, and "AdaTT: gate entropy, level 1", as a share of the largest possible.

    Differs: learned v are drawn from U(-sqrt(1/m), sqrt(1/m)), m the number of the unit's experts,
        as in the authors' code.

    Cost: passes of the encoder for all experts of all units, whichever tasks are wanted. With
        `PerTask` inputs, that for each wanted task.

    Reference: Li, Zhang, Yuan, Gao, Zhang, Yang, Liu, Yang, "AdaTT: Adaptive Task-to-Task Fusion
        Network for Multitask Learning in Recommendations", KDD 2023.
    """

    keys_are_private = False  # all gates read the experts of all tasks

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        task_experts: Counts = 1,
        shared_experts: int = 0,
        copies: Copies = "reset",
        gate_input: GateInput = "auto",
        gate_hidden: Sequence[int] = (),
    ) -> None:
        super().__init__(encoder, copies, gate_input, gate_hidden)
        checked_counts(task_experts, shared_experts, least=1)
        self.task_experts = (
            dict(task_experts) if isinstance(task_experts, Mapping) else task_experts
        )
        self.shared_experts = shared_experts
        self.residuals = nn.ParameterDict()

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the experts, the gates of each level, and the weights of a unit's own experts."""
        own = counts_of(self.task_experts, tasks)
        self._grow(tasks, example, seed, self.shared_experts, own)
        self._find_levels()
        units = self._units()
        total = sum(units.values())
        for level in range(self.depth):
            reads = self._reads(level, example)
            for owner in units:
                if owner != SHARED or level < self.depth - 1:
                    self._add_gate(owner, level, total, reads, seed)
        if all(count == 1 for count in units.values()):
            return
        for level in range(self.depth):
            for owner, count in units.items():
                if owner != SHARED or level < self.depth - 1:
                    bound = math.sqrt(1 / count)
                    with seeded(seed, "residual", owner, level):
                        drawn = torch.empty(count).uniform_(-bound, bound)
                    self.residuals[gate_key(owner, level)] = nn.Parameter(drawn)

    def _units(self) -> dict[str, int]:
        """Returns `{owner: number of experts}`, in the order of a gate's weights."""
        owners = [*map(safe_key, self.tasks), *([SHARED] if self.shared_experts else [])]
        return {owner: len(self._experts(owner)) for owner in owners}

    def _pass(self, inputs: Any, wanted: Sequence[str], found: Gathered) -> None:
        values, mask = unmasked(inputs, self.prototype())
        units = self._units()
        names = {safe_key(task): task for task in self.tasks} | {SHARED: SHARED}
        entering: dict[str, Any] = dict.fromkeys(units, values)
        levels: dict[str, list[Tensor]] = {safe_key(task): [] for task in wanted}
        for level in range(self.depth):
            made = [self._run(owner, level, entering[owner], mask) for owner in units]
            blend = Blend([e for own in made for e in own])
            weights: dict[str, Tensor] = {}
            start = 0
            for owner, count in units.items():
                if owner in levels or level < self.depth - 1:
                    gate = self._weigh(owner, level, entering[owner], blend)
                    weights[owner] = gate + self._residual(owner, level, start, gate)
                    if owner in levels:
                        found.watch(self._title(level), names[owner], gate, self._all_names())
                start += count
            if level < self.depth - 1:  # here every task depends on every gate, by the next level
                leaving = dict(zip(weights, blend.all_by([*weights.values()]), strict=True))
            else:
                leaving = {owner: blend.by(own) for owner, own in weights.items()}
            for owner, own in levels.items():
                own.append(leaving[owner])
            entering = leaving
        for task in wanted:
            found.features[task] = self._features(levels[safe_key(task)], inputs)

    def _residual(self, owner: str, level: int, start: int, weights: Tensor) -> Tensor:
        """Returns v of a unit's own experts, and 0 for all others."""
        learned = self.residuals[gate_key(owner, level)] if self.residuals else None
        own = weights.new_ones(1) if learned is None else learned
        return F.pad(own, (start, weights.shape[-1] - start - len(own)))
