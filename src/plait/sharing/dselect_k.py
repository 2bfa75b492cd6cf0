"""Experts of all tasks, of which each task ends with k at most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor

from plait.core.errors import ConfigError, unknown
from plait.core.keys import safe_key
from plait.core.options import refuse_unused
from plait.core.outputs import Term
from plait.core.seeding import seeded
from plait.networks import Copies, EncoderLike, encode
from plait.sharing.experts.base import SHARED, Gathered, checked_count
from plait.sharing.experts.blend import Blend
from plait.sharing.experts.gate_tables import GateTitle
from plait.sharing.experts.gates import GateInput, GateReads
from plait.sharing.experts.selectors import Selectors, entropy_of, reach_of
from plait.sharing.experts.whole import Experts, WholeExperts

Conditioning = Literal["task", "example"]
Reduction = Literal["mean", "sum"]


class DSelectK(WholeExperts):
    """Differentiable selection of at most k experts for each task, by binary codes.

        z_t = sum_i q_ti f_i(x),    q_t = sum_r softmax(w_t)_r s_tr,    y_t = h_t(z_t)
        s_tri = prod_b (S(z_trb) if bit b of i is 1 else 1 - S(z_trb))
        objective + entropy sum_tri -s log(s) + reach sum_tr 1 / sum_i s_tri

    f_i is expert i out of n, a copy of the encoder; s_tr the selector r out of k of task t, a
    product over the m = ceil(log2 n) bits of i; S the smooth step, 0 below -gamma/2 and 1 above
    gamma/2. z `[k, m]` and w `[k]` are parameters of each task, or linear in what the gate reads.
    The entropy drives each selector to one expert, where its gradient is exactly 0; two selectors
    may pick the same one. The last term, only where n is not a power of two, keeps them off the
    codes that no expert has; q sums up to less than 1 there.

    Args:
        encoder: any module, or a factory of one. It is copied and not used itself.
        experts: n, at least 1; 4 by default. A power of two learns most reliably. With 1 this is
            hard sharing.
        k: number of selectors, 1..n; 2 by default.
        conditioning: "task", one choice for all examples, which evaluation runs at the cost of the
            chosen experts; or "example", a choice by what the gate reads.
        gamma: width of the smooth step, above 0; 1 by default, as in the authors' code.
        entropy: its weight, at least 0; 1e-3 by default, our choice: where two of four experts make
            up the target, it found these two in 20 of 20 runs; 0 was still undecided in 11 of them,
            and 0.1 took others in 2. The authors' default is 1e-6, on the sum over the batch.
        reach: weight of the last term, at least 0; 0.1 by default, our choice: on five experts,
            with 0.01 some selectors got stuck on codes without one, and 1 kept more from deciding.
        reduction: of the two terms over the examples of a batch, "mean" or "sum", as in the
            authors' code; they are sums over selectors and wanted tasks in any case.
        copies: "reset" draws new weights for each expert, from (seed, its number); "clone" keeps
            those of a trained encoder. Clones differ by their gates' weights alone, and part
            slowly.
        gate_input: what a gate reads under "example": "auto", "input" or "features", as in `MMoE`.

    Raises:
        ConfigError: an option outside its range; "input" of something that is not one tensor of
            floats.

    Terms: "DSelectK: entropy" and "DSelectK: reach".

    Watched: "DSelectK: gates", the mean weight of each expert by task, and "DSelectK: gate
        entropy", as a share of log(n).

    Differs: the last term is at most 1e6 for a selector; the paper's becomes infinite on a code
        that no expert has. One expert is taken as it is, without selectors.

    Cost: n passes of the encoder, and for each task and level one weighted sum of n tensors. In
        evaluation without gradients, experts that no wanted task gives weight to are not run,
        unless the gate reads their features; this copies one small tensor to the host.

    Reference: Hazimeh, Zhao, Chowdhery, Sathiamoorthy, Chen, Mazumder, Hong, Chi, "DSelect-k:
        Differentiable Selection in the Mixture of Experts with Applications to Multi-Task
        Learning", NeurIPS 2021.
    """

    def __init__(
        self,
        encoder: EncoderLike,
        *,
        experts: int = 4,
        k: int = 2,
        conditioning: Conditioning = "task",
        gamma: float = 1.0,
        entropy: float = 1e-3,
        reach: float = 0.1,
        reduction: Reduction = "mean",
        copies: Copies = "reset",
        gate_input: GateInput = "auto",
    ) -> None:
        super().__init__(encoder, copies, gate_input)
        checked_count("experts", experts, 1)
        checked_count("k", k, 1)
        if k > experts:
            raise ConfigError(f"`k` must be at most `experts`, {experts}; found {k}. Lower it.")
        for option, value, known in (
            ("conditioning", conditioning, get_args(Conditioning)),
            ("reduction", reduction, get_args(Reduction)),
        ):
            if value not in known:
                raise ConfigError(unknown(option, value, known))
        for option, number in (("entropy", entropy), ("reach", reach)):
            if not 0 <= number < math.inf:
                raise ConfigError(f"`{option}` must be 0 or more, and finite; found {number}.")
        if not 0 < gamma < math.inf:
            raise ConfigError(f"`gamma` must be above 0, and finite; found {gamma}.")
        if gate_input == "task":
            raise ConfigError(
                "`gate_input` of DSelectK must be 'auto', 'input' or 'features'; found 'task'. For "
                "a choice that reads nothing, set conditioning='task'."
            )
        if conditioning == "task":
            unread = None if gate_input == "auto" else gate_input
            refuse_unused("with conditioning='task'", gate_input=unread)
        self.experts = experts
        self.k = k
        self.conditioning: Conditioning = conditioning
        self.gamma = gamma
        self.entropy = entropy
        self.reach = reach
        self.reduction: Reduction = reduction

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the experts and the selectors."""
        self._grow(tasks, example, seed, self.experts, {})
        if self.experts == 1:
            return
        for task in tasks:
            free = self.conditioning == "task"
            reads = GateReads("nothing") if free else self._reads(task, example)
            with seeded(seed, "gate", task):
                self.gates[safe_key(task)] = Selectors(self.experts, self.k, self.gamma, reads)

    def _pass(self, inputs: Any, wanted: Sequence[str], found: Gathered) -> None:
        gates = [cast(Selectors, self.gates[safe_key(t)]) for t in wanted if self.experts > 1]
        blind = any(gate.reads.source == "experts" for gate in gates)
        if self.training or torch.is_grad_enabled() or not gates or blind:
            super()._pass(inputs, wanted, found)
            return
        weights = {task: self._weights(task, inputs, None, found) for task in wanted}
        chosen = dict(zip(wanted, _chosen([*weights.values()]), strict=True))
        experts = self._experts(SHARED)
        made = {e: encode(experts[e], inputs) for e in sorted(set().union(*chosen.values()))}
        for task, own in chosen.items():
            mixture = Experts([made[e] for e in own])
            found.features[task] = mixture.mixed(weights[task][..., own])

    def _weights(self, task: str, inputs: Any, blend: Blend | None, found: Gathered) -> Tensor:
        if self.experts == 1:
            assert blend is not None
            return blend.made[0].values.new_ones(1)
        gate = cast(Selectors, self.gates[safe_key(task)])
        chosen: tuple[Tensor, Tensor] = gate(gate.reads.of(inputs, blend))
        selectors, weights = chosen
        self._put(found, "entropy", self.entropy, entropy_of(selectors))
        if self.experts < 2**gate.bits:
            self._put(found, "reach", self.reach, reach_of(selectors))
        found.watch(GateTitle("DSelectK"), task, weights, self._names(task))
        return weights

    def _put(self, found: Gathered, name: str, weight: float, values: Tensor) -> None:
        """Adds one task's part of a term."""
        if weight == 0:
            return
        raw = values.sum() if self.reduction == "sum" else values.mean()
        name = f"DSelectK: {name}"
        if name in found.terms:
            raw = found.terms[name].raw + raw
        found.terms[name] = Term(raw, weight * raw)

    def _names(self, task: str) -> list[str]:
        return [f"expert {number + 1}" for number in range(self.experts)]

    def _shares(self) -> bool:
        return self.k > 1


def _chosen(weights: Sequence[Tensor]) -> list[list[int]]:
    """Returns the experts that have weight for some example, for each task; at least one."""
    used = torch.stack([(w != 0).reshape(-1, w.shape[-1]).any(dim=0) for w in weights]).tolist()
    return [[e for e, some in enumerate(row) if some] or [0] for row in used]
