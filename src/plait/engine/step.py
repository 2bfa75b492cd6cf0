"""What is gathered in one step, and how weights become gradients."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from plait.balancing.base import Balancer, BilevelBalancer, GramianBalancer, LossBalancer
from plait.balancing.contract.info import Info
from plait.engine.options import Options
from plait.engine.record import Memory, Record
from plait.gradients import add, joint_gradients, norms_and_cosines, reached_by, values_of

Pairs = Iterable[tuple[Tensor, Tensor]]  # (parameter, gradient)
Own = Iterable[tuple[Tensor, str, Tensor]]  # (parameter, the one task that reaches it, gradient)
Parts = Mapping[str, Tensor]  # {task: share of its loss that this micro-batch holds}


class Step:
    """Losses, weights and gradients of one step; nothing outside changes before it is finished.

    Args:
        balancer: decides the weights.
        options: see `Backward`.
        memory: what lives across steps.
        info: where the training is.

    Attributes:
        losses: `{task: loss}` of the step so far.
        weights: `{task: weight}`, scaled, once they are known.
        gradients: `(parameter, gradient)` by the parameter's id.
        matrix: the Gramian, on the host, where one was formed.
        reused: the weights are those of an earlier step.
        layer: the last shared layer, for a method that reads the gradients there.
        tasks: those that `matrix` is of, in its order.
    """

    def __init__(self, balancer: Balancer, options: Options, memory: Memory, info: Info) -> None:
        self.balancer = balancer
        self.options = options
        self.memory = memory
        self.info = info
        self.losses: dict[str, Tensor] = {}
        self._values: Tensor | None = None  # all of them, where they came at once
        self.weights: dict[str, float | Tensor] = {}
        self.gradients: dict[int, tuple[Tensor, Tensor]] = {}
        self.matrix: np.ndarray | None = None
        self.reused = False
        self.layer: Tensor | None = None
        self.tasks: tuple[str, ...] = ()

    @property
    def heads_by_task(self) -> bool:
        """Whether a task's weight counts at the parameters that it alone reaches."""
        chosen = self.options.head_weights
        own = isinstance(self.balancer, LossBalancer | BilevelBalancer)
        return chosen == "task" or (chosen == "auto" and own)

    def note(
        self, tasks: Iterable[str], values: Tensor, shares: Mapping[str, float] | None
    ) -> None:
        """Adds up the losses of micro-batches; those of the first batch are the step's."""
        if shares is None:
            self._values = values
            self.losses = dict(zip(tasks, values.unbind(), strict=True))
            return
        self._values = None
        for task, value in zip(tasks, values.unbind(), strict=True):
            part = value * shares[task]
            self.losses[task] = self.losses[task] + part if task in self.losses else part

    def values_of(self, tasks: Sequence[str]) -> Tensor:
        """Returns the losses `[T]` of tasks, without a graph."""
        if self._values is not None and list(tasks) == list(self.losses):
            return self._values
        return values_of(self.losses[task] for task in tasks)

    def reuse(self, weights: Mapping[str, float]) -> None:
        """Takes the weights of an earlier step; equal weighting for a task that had none."""
        self.reused = True
        self.weigh_equally(self.losses)
        self.weights.update({task: weights[task] for task in self.losses if task in weights})

    def weigh_equally(self, tasks: Collection[str]) -> None:
        """Gives each task the weight of equal weighting."""
        self.weights = dict.fromkeys(tasks, self.equal(len(tasks)))

    def collect(self, pairs: Pairs) -> None:
        """Adds gradients to those of the step; micro-batches take the memory of one."""
        for parameter, gradient in pairs:
            known = self.gradients.get(id(parameter))
            total = gradient if known is None else add(known[1], gradient)
            self.gradients[id(parameter)] = (parameter, total)

    def collect_own(self, own: Own, factor: float = 1.0) -> None:
        """Adds gradients at parameters of one task, by its weight if the heads count by task."""
        for parameter, task, gradient in own:
            weight = factor * (self.weights[task] if self.heads_by_task else 1.0)
            self.collect([(parameter, gradient if weight == 1.0 else gradient * weight)])

    def loss_weights(self, tasks: Sequence[str]) -> Tensor:
        """Returns the weights `[T]` of a loss method; its parameters get gradients on the way."""
        assert isinstance(self.balancer, LossBalancer)
        values = self.values_of(tasks).detach().requires_grad_()
        objective = self.balancer.objective(values, self.informed(tasks, values.detach()))
        learned = [parameter for parameter in self.balancer.parameters() if parameter.requires_grad]
        weights, *own = torch.autograd.grad(objective, [values, *learned], allow_unused=True)
        self.collect([(p, g) for p, g in zip(learned, own, strict=True) if g is not None])
        weights = weights * self.scale(len(values))
        self.weights.update(zip(tasks, weights.unbind(), strict=True))
        return weights

    def gramian_weights(self, tasks: Sequence[str], matrix: Tensor, dtype: torch.dtype) -> Tensor:
        """Returns the weights `[T]`, scaled, of a Gramian method, or `[G, T]` of groups.

        A task that moves nothing shared gets the weight of equal weighting, for its head.
        """
        assert isinstance(self.balancer, GramianBalancer)
        info = self.informed(tasks, self.values_of(tasks), dtype)
        weights = self.balancer.weights(matrix, info) * self.scale(len(tasks))
        whole = matrix if matrix.dim() == 2 else matrix.sum(dim=0)
        self.tasks, self.matrix = tuple(tasks), whole.numpy()
        mean = weights if weights.dim() == 1 else weights.mean(dim=0)
        still = torch.from_numpy(~self.balancer.active(self.matrix))
        mean = mean.masked_fill(still, self.equal(len(tasks)))
        self.weights = dict(zip(tasks, mean.tolist(), strict=True))
        return mean if weights.dim() == 1 else weights

    def apply(
        self, parts: Parts, candidates: Sequence[Tensor], weights: Tensor, factor: float = 1.0
    ) -> None:
        """Runs the backward pass of the weighted sum; heads of unit weight get theirs first.

        Args:
            parts: what is differentiated.
            candidates: every parameter that may be reached.
            weights: `[T]`, in the order of `parts`.
            factor: how much all of it counts, at the heads too.
        """
        shared = candidates
        if not self.heads_by_task:
            shared, own = self.split(parts, candidates)
            unit = torch.full_like(weights, factor)
            self.differentiate(parts, own, unit, retain=True)
        self.differentiate(parts, shared, weights * factor)

    def differentiate(
        self,
        parts: Parts,
        parameters: Sequence[Tensor],
        weights: Tensor | None = None,
        *,
        retain: bool = False,
    ) -> None:
        """Adds the gradients of the weighted sum; the weights are those of the step by default."""
        if parameters:
            chosen = self.weights_of(parts) if weights is None else weights
            losses = list(parts.values())
            self.collect(joint_gradients(losses, parameters, chosen, retain=retain))

    def weights_of(self, tasks: Iterable[str]) -> Tensor:
        """Returns the weights `[T]` of the step, in double precision."""
        values = [float(self.weights[task]) for task in tasks]
        return torch.tensor(values, dtype=torch.float64)

    def split(
        self, parts: Parts, candidates: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the shared parameters among the candidates, and those that one task reaches."""
        wanted, layout = set(map(id, candidates)), self.memory.rows.layout
        shared: list[Tensor] = []
        own: list[Tensor] = []
        for parameter, tasks in reached_by(parts):
            if id(parameter) in wanted:
                (shared if layout.meet(parameter, tasks) else own).append(parameter)
        return shared, own

    def scale(self, tasks: int) -> float:
        """Returns the factor from the paper's weights to the chosen scale."""
        return self.divisor(tasks) if self.options.scale == "sum" else 1.0

    def equal(self, tasks: int) -> float:
        """Returns the weight that equal weighting gives each task."""
        return self.scale(tasks) / self.divisor(tasks)

    def divisor(self, tasks: int) -> float:
        """Returns what the paper divides equal weights by."""
        return float(tasks) if self.balancer.equal_weight == "mean" else 1.0

    def informed(
        self, tasks: Iterable[str], losses: Tensor, dtype: torch.dtype = torch.float32
    ) -> Info:
        """Returns what the balancer is told about the step."""
        wide = torch.promote_types(dtype, torch.float32)
        return replace(self.info, tasks=tuple(tasks), losses=losses, dtype=wide)

    def record(self, skipped: str | None = None) -> Record:
        """Returns what happened."""
        if skipped is not None:
            tasks = tuple(self.losses)
            return Record(tasks, self._host(tasks), skipped=skipped)
        tasks = self.tasks or tuple(self.weights) or tuple(self.losses)
        weights = norms = cosines = None
        if self.weights:
            weights = self.weights_of(tasks).numpy()
        if self.matrix is not None:
            norms, cosines = norms_and_cosines(self.matrix)
        flag = None if self.reused else self.balancer.flag
        return Record(tasks, self._host(tasks), weights, norms, cosines, flag, reused=self.reused)

    def _host(self, tasks: Sequence[str]) -> np.ndarray:
        return self.values_of(tasks).double().cpu().numpy() if tasks else np.zeros(0)
