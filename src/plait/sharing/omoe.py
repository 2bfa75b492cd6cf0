"""Experts of all tasks, and one gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor

from plait.core.seeding import seeded
from plait.sharing.experts.base import Gathered
from plait.sharing.experts.blend import Blend
from plait.sharing.experts.gate_tables import GateTitle
from plait.sharing.experts.gates import Gate, common_reads
from plait.sharing.mmoe import MMoE

ONLY = "all"  # the key of the gate


class OMoE(MMoE):
    """One-gate mixture of experts: all tasks read one mixture. The baseline of `MMoE`.

        z = sum_e g_e(x) f_e(x),    g(x) = softmax(G r(x) + b),    y_t = h_t(z)

    f_e is expert e, a copy of the encoder; g `[B, E]` the gate; r(x) what it reads. Every level of
    the features is mixed with the same weights.

    Args: those of `MMoE`.

    Raises:
        ConfigError: an option outside its range; "input" of something that is not one tensor of
            floats.
        ShapeError: inputs that differ by task have different widths at the gate.

    Watched: "OMoE: gates", the mean weight of each expert, and "OMoE: gate entropy", as a share of
        log(E).

    Differs: as `MMoE`.

    Cost: E passes of the encoder and for each level one weighted sum of E tensors, whatever the
        number of tasks. With `PerTask` inputs, that for each wanted task.

    Reference: Ma, Zhao, Yi, Chen, Hong, Chi, "Modeling Task Relationships in Multi-task Learning
        with Multi-gate Mixture-of-Experts", KDD 2018; the mixture is that of Jacobs, Jordan,
        Nowlan, Hinton, "Adaptive Mixtures of Local Experts", Neural Computation 3, 1991.
    """

    def _pass(self, inputs: Any, wanted: Sequence[str], found: Gathered) -> None:
        """Runs the experts, and hands their mixture to all tasks."""
        super()._pass(inputs, wanted[:1], found)
        found.features |= dict.fromkeys(wanted, found.features[wanted[0]])

    def _weights(self, task: str, inputs: Any, blend: Blend, found: Gathered) -> Tensor:
        weights = cast(Gate, self.gates[ONLY]).weights(inputs, blend)
        found.watch(GateTitle("OMoE"), ONLY, weights, self._names(task))
        return weights

    def _add_gates(self, example: Any, seed: int) -> None:
        all_reads = {task: self._reads(task, example) for task in self.tasks}
        reads = common_reads(all_reads, "OMoE")
        with seeded(seed, "gate"):
            self.gates[ONLY] = Gate(self.experts, reads, self.gate_hidden)
