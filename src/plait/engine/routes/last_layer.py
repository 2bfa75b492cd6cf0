"""The Gramian at the last shared layer."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from plait.balancing.base import GramianBalancer
from plait.core.real import as_real
from plait.engine.evidence import read
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import differentiate, last_layer, split, weighted_pass
from plait.engine.routes.base import Route
from plait.engine.weights import gramian_weights
from plait.gradients import gramian


class LastLayer(Route[GramianBalancer]):
    """T passes through the heads to the shared weight nearest to the losses; then a whole pass."""

    passes = "T through the heads to the last shared layer, then 1"

    def add(self, micro: MicroBatch) -> None:
        """Takes the tasks' gradients there, of the whole batch; the graph stays."""
        self.micro = micro
        self.shared, own = split(self.step, micro.losses, micro.candidates)
        own += micro.others
        self.layer = last_layer(micro.losses.values(), self.shared)
        self.own: list[tuple[Tensor, str, Tensor]] = []
        if self.layer is None:
            return
        rows: list[Tensor] = []
        for task, loss in micro.losses.items():
            row, *rest = torch.autograd.grad(
                loss, [self.layer, *own], retain_graph=True, allow_unused=True
            )
            rows.append(torch.zeros_like(self.layer) if row is None else row.to_dense())
            self.own += [(p, task, g) for p, g in zip(own, rest, strict=True) if g is not None]
        matrix = torch.stack([as_real(row) for row in rows]).flatten(1)
        self.step.form(tuple(micro.losses), partial(gramian, matrix))

    def solve(self) -> None:
        """Solves on the host; without a shared parameter there is nothing to balance."""
        if self.layer is None:
            self.step.weigh_equally(self.micro.losses)
            self.weights = self.step.weights_of(self.micro.losses)
            return
        read(self.step, self.own)
        self.weights = gramian_weights(self.step, self.balancer, self.layer.dtype.to_real())

    def apply(self) -> None:
        """Differentiates the weighted sum at the shared parameters."""
        losses = self.micro.losses
        if self.layer is None:
            weighted_pass(self.step, losses, self.micro.candidates, self.weights)
            return
        self.step.collect_own(self.own)
        differentiate(self.step, losses, self.shared, self.weights)
