"""Experts of each task and experts of all, mixed anew at each level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from plait.core.keys import safe_key
from plait.networks import Copies, EncoderLike, unmasked
from plait.sharing.experts.base import SHARED, Counts, Gathered, checked_counts, counts_of
from plait.sharing.experts.blend import Blend
from plait.sharing.experts.gates import GateInput
from plait.sharing.experts.levels import LevelExperts


class PLE(LevelExperts):
    """Progressive layered extraction: `CGC` at each level, along a branch for each task.

        x_t^l = g_t^l(x_t^(l-1)) [E_t^l; E_s^l],    E_t^l = [f_tk^l(x_t^(l-1)), k <= m_t]
        x_s^l = g_s^l(x_s^(l-1)) [E_1^l; ..; E_T^l; E_s^l],    E_s^l = [f_sj^l(x_s^(l-1)), j <= m_s]

    The branch of task t and the shared one start from the input, x_t^0 = x_s^0 = x. f^l is level l
    of a copy of the encoder: one of its blocks, a stage with parameters and those without that
    follow it. The gates g are softmax(G r + b); r is what they read. The last level, l = L, has no
    shared branch, and y_t = h_t(x_t^L). Of an encoder with one block it is `CGC`.

    Args:
        encoder: any module, or a factory of one. It is copied and not used itself.
        task_experts: m_t, a number for every task or `{task: number}`, at least 0; 1 by default, as
            in DeepCTR-Torch.
        shared_experts: m_s, at least 0; 1 by default, as there. A task needs one expert at least.
        copies: "reset" draws new weights for each expert, from (seed, task, its number); "clone"
            keeps those of a trained encoder. Clones differ by their gates' weights alone, and part
            slowly.
        gate_input: what a gate reads. "auto" is the input of its branch at its level, as in the
            paper, pooled over positions if it consists of maps or tokens; where the raw input is no
            vector, "features". "input" is the flattened input of its branch, which fixes its size;
            "features" the mean over its experts of what they make at its level, pooled; "task"
            nothing. What is pooled is divided by the square root of its width, as in `MMoE`.
        gate_hidden: widths of hidden layers with ReLU in the gates, whose last layer then has no
            bias; none by default, as in the paper.

    Raises:
        ConfigError: an option outside its range; `task_experts` by task that do not name every
            task; "input" of something that is not one tensor of floats.
        ShapeError: inputs that differ by task have different widths at a gate.

    Watched: for each level, "PLE: gates, level 1", the mean weight of each expert by task; "PLE:
        shared gates, level 1" likewise; and their entropies, as shares of the largest possible.

    Differs: the paper's gates have no bias. A task without experts of its own follows the shared
        branch up to the last level, where it has a gate: gates below would only steer gates.

    Cost: m_s + sum_t m_t passes of the encoder. If only some tasks are wanted, the last level runs
        their experts alone. With `PerTask` inputs, that for each wanted task.

    Reference: Tang, Liu, Zhao, Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task
        Learning (MTL) Model for Personalized Recommendations", RecSys 2020.
    """

    keys_are_private = False  # the shared branch reads the experts of all tasks

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        task_experts: Counts = 1,
        shared_experts: int = 1,
        copies: Copies = "reset",
        gate_input: GateInput = "auto",
        gate_hidden: Sequence[int] = (),
    ) -> None:
        super().__init__(encoder, copies, gate_input, gate_hidden)
        checked_counts(task_experts, shared_experts)
        self.task_experts = (
            dict(task_experts) if isinstance(task_experts, Mapping) else task_experts
        )
        self.shared_experts = shared_experts

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the experts and the gates of each level."""
        own = counts_of(self.task_experts, tasks)
        self._grow(tasks, example, seed, self.shared_experts, own)
        self._find_levels()
        for level in range(self.depth):
            reads = self._reads(level, example)
            for task in tasks:
                if own[task] or level == self.depth - 1:
                    experts = own[task] + self.shared_experts
                    self._add_gate(safe_key(task), level, experts, reads, seed)
            if self._joined(level):
                experts = sum(own.values()) + self.shared_experts
                self._add_gate(SHARED, level, experts, reads, seed)

    def _joined(self, level: int) -> bool:
        """Returns whether the shared branch goes on behind a level."""
        return self.shared_experts > 0 and level < self.depth - 1

    def _pass(self, inputs: Any, wanted: Sequence[str], found: Gathered) -> None:
        values, mask = unmasked(inputs, self.prototype())
        names = {safe_key(task): task for task in self.tasks}
        entering: dict[str, Any] = dict.fromkeys((*names, SHARED), values)
        levels: dict[str, list[Tensor]] = {safe_key(task): [] for task in wanted}
        for level in range(self.depth):
            # the shared branch reads the experts of all tasks, which read the branches of these
            running = names if self._joined(level) else levels
            leading = names if self._joined(level + 1) else levels
            made = {
                owner: self._run(owner, level, entering[owner], mask)
                for owner in (*running, SHARED)
            }
            leaving: dict[str, Any] = {SHARED: None}
            if self._joined(level):
                blend = Blend([e for own in made.values() for e in own])
                weights = self._weigh(SHARED, level, entering[SHARED], blend)
                found.watch(self._title(level, "shared"), SHARED, weights, self._all_names())
                leaving[SHARED] = blend.by(weights)
            for owner in leading:
                if not made[owner] and self._joined(level):
                    leaving[owner] = leaving[SHARED]
                    continue
                blend = Blend([*made[owner], *made[SHARED]])
                weights = self._weigh(owner, level, entering[owner], blend)
                if owner in levels:
                    task = names[owner]
                    found.watch(self._title(level), task, weights, self._names(task))
                leaving[owner] = blend.by(weights)
            for owner, own in levels.items():
                own.append(leaving[owner])
            entering = leaving
        for task in wanted:
            found.features[task] = self._features(levels[safe_key(task)], inputs)
