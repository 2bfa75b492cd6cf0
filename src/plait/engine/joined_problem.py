"""The problem of a bilevel method in several processes: that of their joined batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from plait.balancing.contract.problem import Problem
from plait.distributed import Ranks
from plait.engine.replicas import Replicas


class JoinedProblem:
    """Computes the losses of the joined batches, from a problem of each process.

        L_t(theta) = sum_r share_rt L_rt(theta)

    with `share_rt` the part of the labels of task t that process r has. Each loss and each gradient
    that is taken of one is the same in all processes, so that a method which knows nothing of them
    decides alike in each.

    Args:
        problem: of the batches of this process; it may lack tasks that others have.
        replicas: what the processes have in this step. The tasks are those with a training label in
            any of them.

    Cost: for each evaluation a sum of T numbers, for each gradient one of P, the size of the model.
    """

    def __init__(self, problem: Problem, replicas: Replicas) -> None:
        self.tasks: tuple[str, ...] = tuple(replicas.tasks[0])
        self.parameters = problem.parameters
        self.virtual_step = problem.virtual_step
        self._problem = problem
        self._replicas = replicas

    def train(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the joined training losses `[T]`, float64; 0 for a task without labels."""
        return self._joined(self._problem.train, 0, parameters)

    def val(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the joined validation losses `[T]`, float64; 0 for a task without labels."""
        return self._joined(self._problem.val, 1, parameters)

    def own_val(self, parameters: Sequence[Tensor]) -> dict[str, Tensor]:
        """Returns the part that this process has in each validation loss, of tasks with labels."""
        known = self._replicas.shares[1]
        losses = zip(self._problem.tasks, self._problem.val(parameters), strict=True)
        return {t: loss * known[t] for t, loss in losses if known.get(t) and t in self.tasks}

    def _joined(
        self, losses: Callable[[Sequence[Tensor]], Tensor], batch: int, parameters: Sequence[Tensor]
    ) -> Tensor:
        here, shares = self._replicas.ranks, self._replicas.shares[batch]
        points: tuple[Tensor, ...]
        points = _SummedGradients.apply(here, *parameters)  # type: ignore[no-untyped-call]
        own = dict(zip(self._problem.tasks, losses(points).double().unbind(), strict=True))
        zero = torch.zeros((), dtype=torch.float64, device=parameters[0].device)
        parts = [own[t] * shares[t] if t in own and shares.get(t) else zero for t in self.tasks]
        found: Tensor
        found = _SummedLosses.apply(  # type: ignore[no-untyped-call]
            here, torch.stack(parts), *points
        )
        return found


class _SummedGradients(torch.autograd.Function):
    """Hands on the parameters; sums their gradients over the processes."""

    @staticmethod
    def forward(ctx: Any, here: Ranks, *parameters: Tensor) -> tuple[Tensor, ...]:
        ctx.here = here
        return tuple(parameter.view_as(parameter) for parameter in parameters)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *ctx.here.sum(gradients))


class _SummedLosses(torch.autograd.Function):
    """Sums the losses; its gradient reaches every parameter, so that all processes sum them."""

    @staticmethod
    def forward(ctx: Any, here: Ranks, losses: Tensor, *parameters: Tensor) -> Tensor:
        ctx.save_for_backward(*parameters)
        return here.sum([losses])[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        zeros = [gradient.new_zeros((), dtype=p.dtype).expand_as(p) for p in ctx.saved_tensors]
        return (None, gradient, *zeros)
