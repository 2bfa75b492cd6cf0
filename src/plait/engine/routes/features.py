"""The Gramian at the features that the heads read."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from plait.balancing.base import GramianBalancer
from plait.core.errors import ConfigError
from plait.engine.evidence import read
from plait.engine.gathered import Gathered
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import differentiate
from plait.engine.replicas import Replicas
from plait.engine.routes.base import Route
from plait.engine.routes.reused import recall
from plait.engine.weights import gramian_weights
from plait.gradients import Cut, FeatureGradients


class AtFeatures(Route[GramianBalancer]):
    """T passes through the heads; then one through the trunk.

    Weights of an earlier step are applied in the same way: a `Cut` leaves no other one.

    Args:
        step: see `Route`.
        balancer: see `Route`.
        reused: whether the weights are those of an earlier step.
    """

    passes = "T through the heads, then 1 through the trunk"

    micro: MicroBatch | None = None  # one of several processes may have no label
    found: FeatureGradients

    def __init__(self, step: Gathered, balancer: GramianBalancer, *, reused: bool) -> None:
        super().__init__(step, balancer)
        step.reused = reused

    def add(self, micro: MicroBatch) -> None:
        """Takes the gradients at the features and in the heads.

        Raises:
            ConfigError: it is one of several micro-batches, or no features are given.
        """
        self._refuse_several()
        if micro.features is None:
            raise ConfigError(
                "at='features' needs the tensor that the heads read. Give `features=`; a "
                "MultiTaskModel in the Trainer gives it by itself."
            )
        features = [micro.features] if isinstance(micro.features, Tensor) else micro.features
        self.micro = micro
        self.found = FeatureGradients(
            micro.counted,
            features,
            set(map(id, micro.candidates)),
            self.step.memory.scratch,
            retain=self.step.retain_graph or bool(micro.others),
        )
        self._add_others(micro)
        if not self.step.reused and self.step.replicas is None:
            self.step.form(tuple(micro.losses), self.found.multiply)

    def settle(self) -> None:
        """Joins losses and Gramians of several processes: of other examples, these add up."""
        step, replicas = self.step, self.step.replicas
        if replicas is not None:
            self._refuse_several()
            step.join(local=False)
            if not step.reused:
                step.form(replicas.tasks[0], partial(self._summed, replicas))

    def solve(self) -> None:
        """Solves on the host, or recalls the weights."""
        if self.step.reused:
            recall(self.step)
            return
        replicas = self.step.replicas
        dtype = torch.float32 if self.micro is None else self.found.dtype
        read(self.step, self.found.own if replicas is None else ())
        if replicas is not None and replicas.ranks.agree(dtype == torch.float64):
            dtype = torch.float64
        gramian_weights(self.step, self.balancer, dtype)

    def apply(self) -> None:
        """Sends the weighted gradient at the features through the trunk."""
        if self.micro is None:
            return
        self.step.collect_own(self.found.own, local=True)
        heads = {id(parameter) for parameter, _, _ in self.found.own}
        trunk = [parameter for parameter in self.micro.candidates if id(parameter) not in heads]
        weights = self.step.weights_of(self.micro.losses)
        self.step.collect_local(
            self.found.trunk(
                weights, trunk, retain=self.step.retain_graph, extreme=self.step.extreme
            )
        )

    def _refuse_several(self) -> None:
        if self.step.accumulated:
            raise ConfigError(
                "at='features' needs the whole step in one batch. Do not accumulate micro-batches."
            )

    def _summed(self, replicas: Replicas, dtype: torch.dtype) -> Tensor:
        """Returns the inner products `[T, T]` over the examples of all processes."""
        tasks, device = replicas.tasks[0], replicas.parameters[0].device
        total = torch.zeros(len(tasks), len(tasks), dtype=torch.float64, device=device)
        if self.micro is not None:
            places = torch.tensor([tasks.place[task] for task in self.micro.losses], device=device)
            total[places[:, None], places] = self.found.multiply(dtype).to(total)
        replicas.ranks.sum_(total)
        return total

    def _add_others(self, micro: MicroBatch) -> None:
        """Adds the plain gradients at leaves that are not trained, also those below a `Cut`."""
        if not micro.others:
            return
        equal = torch.ones(len(micro.losses), dtype=torch.float64)
        differentiate(self.step, micro.losses, micro.others, equal, retain=True)
        if isinstance(micro.features, Cut):
            self.step.collect(self.found.trunk(equal, micro.others, retain=True))
