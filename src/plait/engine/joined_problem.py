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
        """Returns the part that this process has in each validation loss, of tasks with labels.

        They come in the order of `tasks`.
        """
        return self._parts(self._problem.val(parameters), 1)

    def _joined(
        self, losses: Callable[[Sequence[Tensor]], Tensor], batch: int, parameters: Sequence[Tensor]
    ) -> Tensor:
        here = self._replicas.ranks
        points: tuple[Tensor, ...]
        points = _SummedGradients.apply(here, *parameters)  # type: ignore[no-untyped-call]
        own = self._parts(losses(points).double(), batch)
        zero = torch.zeros((), dtype=torch.float64, device=parameters[0].device)
        all_of_them = torch.stack([own.get(task, zero) for task in self.tasks])
        found: Tensor
        found = _SummedLosses.apply(here, all_of_them, *points)  # type: ignore[no-untyped-call]
        return found

    def _parts(self, losses: Tensor, batch: int) -> dict[str, Tensor]:
        """Returns the losses of this process, each times its share; of tasks with a label here."""
        shares = self._replicas.shares[batch]
        own = dict(zip(self._problem.tasks, losses.unbind(), strict=True))
        return {t: own[t] * shares[t] for t in self.tasks if t in own and shares.get(t)}


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
