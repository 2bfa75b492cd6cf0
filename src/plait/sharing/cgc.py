"""Experts of each task and experts of all, and a gate for each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.networks import Copies, EncoderLike
from plait.sharing.experts.base import Counts, checked_counts, counts_of
from plait.sharing.experts.gates import GateInput
from plait.sharing.experts.whole import WholeExperts


class CGC(WholeExperts):
    """Customized gate control: each task mixes encoders of its own with those of all tasks.

        z_t = sum_k g_tk(x) f_tk(x) + sum_j g_tj(x) f_sj(x),    y_t = h_t(z_t)

    f_tk are the m_t experts of task t, f_sj the m_s experts of all tasks, all of them copies of the
    encoder; g_t(x) = softmax(G_t r(x) + b_t) `[B, m_t + m_s]`, own experts first; r(x) is what the
    gate reads. Every level of the features is mixed with the same weights. It is `PLE` of one
    level; without experts of the tasks it is `MMoE`, without those of all no parameter is shared.

    Args:
        encoder: any module, or a factory of one. It is copied and not used itself.
        task_experts: m_t, a number for every task or `{task: number}`, at least 0; 1 by default, as
            in DeepCTR-Torch.
        shared_experts: m_s, at least 0; 1 by default, as there. A task needs one expert at least.
        copies: "reset" draws new weights for each expert, from (seed, task, its number); "clone"
            keeps those of a trained encoder. Clones differ by their gates' weights alone, and part
            slowly.
        gate_input: what a gate reads, as in `MMoE`; "features" is the mean over its own experts.
        gate_hidden: widths of hidden layers with ReLU in the gates, whose last layer then has no
            bias; none by default, as in the paper.

    Raises:
        ConfigError: an option outside its range; `task_experts` by task that do not name every
            task; "input" of something that is not one tensor of floats.

    Watched: "CGC: gates", the mean weight of each expert by task, and "CGC: gate entropy", as a
        share of log(m_t + m_s).

    Differs: the paper's gates read the input and have no bias. Here they have one, and images and
        tokens are read through the experts.

    Cost: m_s passes of the encoder and m_t for each wanted task, and for each task and level one
        weighted sum of m_t + m_s tensors. With `PerTask` inputs, m_t + m_s passes for each.

    Reference: Tang, Liu, Zhao, Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task
        Learning (MTL) Model for Personalized Recommendations", RecSys 2020.
    """

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
        """Makes the experts and the gates."""
        own = counts_of(self.task_experts, tasks)
        self._grow(tasks, example, seed, self.shared_experts, own)
        self._add_gates(example, seed)
