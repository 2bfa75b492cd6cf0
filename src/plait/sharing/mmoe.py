"""Experts of all tasks, and a gate for each task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait.networks import Copies, EncoderLike
from plait.sharing.experts.base import checked_count
from plait.sharing.experts.gates import GateInput
from plait.sharing.experts.whole import WholeExperts


class MMoE(WholeExperts):
    """Multi-gate mixture of experts: each task weighs the same encoders by a gate of its own.

        z_t = sum_e g_te(x) f_e(x),    g_t(x) = softmax(G_t r(x) + b_t),    y_t = h_t(z_t)

    f_e is expert e, a copy of the encoder; g_t `[B, E]` the gate of task t; r(x) what it reads.
    Every level of the features is mixed with the same weights.

    Args:
        encoder: any module, or a factory of one. It is copied and not used itself.
        experts: number of experts E, at least 1; 4 by default, our choice: the paper's 8 are of one
            layer each, and cost grows with E. With 1 this is hard sharing.
        copies: "reset" draws new weights for each expert, from (seed, its number); "clone" keeps
            those of a trained encoder. Clones differ by their gates' weights alone, and part
            slowly.
        gate_input: "auto" reads an input of vectors `[B, d]` as it is, as the paper does, and of
            any other input, or the rows of a table, the "features"; "input" flattens one tensor of
            floats, which fixes its size; "features" is the mean over the experts of their last
            level, pooled, over the square root of its width; "task" reads nothing: one weight for
            each pair of task and expert, whatever the example.
        gate_hidden: widths of hidden layers with ReLU in the gates, whose last layer then has no
            bias; none by default, as in the paper.

    Raises:
        ConfigError: an option outside its range; "input" of something that is not one tensor of
            floats.

    Watched: "MMoE: gates", the mean weight of each expert by task, and "MMoE: gate entropy", as a
        share of log(E).

    Differs: the paper's gates read the input and have no bias. Here they have one, and images and
        tokens are read through the experts: the flattened image would need more weights than a
        small encoder and would fix the image's size.

    Cost: E passes of the encoder, whatever the number of tasks, and for each task and level one
        weighted sum of E tensors. With `PerTask` inputs, E passes for each wanted task.

    Reference: Ma, Zhao, Yi, Chen, Hong, Chi, "Modeling Task Relationships in Multi-task Learning
        with Multi-gate Mixture-of-Experts", KDD 2018.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        experts: int = 4,
        copies: Copies = "reset",
        gate_input: GateInput = "auto",
        gate_hidden: Sequence[int] = (),
    ) -> None:
        super().__init__(encoder, copies, gate_input, gate_hidden)
        checked_count("experts", experts, 1)
        self.experts = experts

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the experts and the gates."""
        self._grow(tasks, example, seed, self.experts, {})
        self._add_gates(example, seed)

    def _names(self, task: str) -> list[str]:
        return [f"expert {number + 1}" for number in range(self.experts)]
