"""A gradient method on transformed losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from plait.balancing.base import GramianBalancer
from plait.balancing.bases.wrapper import Wrapper
from plait.balancing.contract.checks import check_square
from plait.balancing.contract.info import Info, informed
from plait.balancing.contract.losses import losses_of, refuse_negative
from plait.balancing.memory.task import TaskState
from plait.balancing.upgrad import UPGrad
from plait.core.errors import ConfigError
from plait.core.options import refuse_unused

BETA = 0.99  # ours: a memory of about 100 steps
Remembered = list[tuple[TaskState, Tensor]]


class TransformedLosses(Wrapper):
    """Applies another method to the gradients of f(L_t) in place of L_t.

        w = D v,    v the inner method's weights for D G D,    D = diag(f'(L_t))

    because the gradient of f(L_t) is f'(L_t) g_t. Every transform here makes losses of different
    units comparable: multiplying L_t by a constant changes nothing.

    Args:
        method: the inner method; `UPGrad` by default (ours).
        transform: f: "log" (f' = 1 / L), "initial" (f' = 1 / L_0, L_0 the task's first loss) or
            "running mean" (f' = 1 / m, m the exponential average of the task's losses, with bias
            correction).
        beta: of "running mean" alone, in [0, 1); 0.99 (ours: a memory of about 100 steps).

    Shapes: gramian `[..., T, T]`, weights `[..., T]`.

    Raises:
        ConfigError: an option is outside its range, or has no effect; the losses are not known; a
            loss to divide by is not positive.

    Example: losses of 4 and 1; their logarithms have gradients of length 1/2 and 1.
        >>> info = Info(("a", "b"), losses=torch.tensor([4.0, 1.0]))
        >>> TransformedLosses().weights(torch.diag(torch.tensor([4.0, 1.0])), info)
        tensor([0.1250, 0.5000], dtype=torch.float64)

    Cost: that of the inner method, and two numbers for each task at most.

    Reference: the logarithm before a gradient method: Lin, Jiang, Ye, Zhang, Chen, Chen, Liu, Kwok,
        "Dual-Balancing for Multi-Task Learning", arXiv 2308.12029, 2023; the first loss: Sener,
        Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018 (code).
    """

    def __init__(
        self,
        method: GramianBalancer | None = None,
        *,
        transform: Literal["log", "initial", "running mean"] = "log",
        beta: float | None = None,
    ) -> None:
        super().__init__(UPGrad() if method is None else method)
        if transform not in ("log", "initial", "running mean"):
            raise ConfigError(
                f"`transform` must be 'log', 'initial' or 'running mean'; found {transform!r}."
            )
        if transform != "running mean":
            refuse_unused(f"with transform={transform!r}", beta=beta)
        if beta is not None and not 0 <= beta < 1:
            raise ConfigError(f"`beta` must be in [0, 1); found {beta}.")
        if transform == "log" and self.method.positive_losses:
            raise ConfigError(
                "`transform` must not be 'log' for a `method` that needs positive losses: "
                "logarithms may be negative. Use 'initial' or 'running mean'."
            )
        self.transform = transform
        self.beta = beta
        self.positive_losses = True
        self.scale_free = True
        self.first, self.average, self.steps = TaskState(), TaskState(), TaskState()

    def weights(self, gramian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns the weights of the gradients of the losses themselves, `[..., T]`."""
        check_square(gramian)
        losses = losses_of(info, "TransformedLosses")
        known = informed(gramian, info)
        divisors, remembered = self._divisors(losses, known.tasks)
        refuse_negative(divisors, known, "TransformedLosses", zero=False)

        values = losses.log() if self.transform == "log" else losses / divisors
        slopes = 1.0 / divisors
        scaled = slopes[:, None] * gramian.detach().cpu().double() * slopes
        weights = self.method.weights(scaled, replace(known, losses=values), **draws)
        self.flag = self.method.flag
        for state, new in remembered:
            state.put(known.tasks, new)
        return weights * slopes

    def _divisors(self, losses: Tensor, tasks: tuple[str, ...]) -> tuple[Tensor, Remembered]:
        """Returns 1 / f' `[T]`, and what to remember once the step has succeeded."""
        if self.transform == "log":
            return losses, []
        zero = torch.zeros_like(losses[0])
        if self.transform == "initial":
            first = self.first.get(tasks, torch.full_like(zero, torch.nan))
            first = torch.where(first.isnan(), losses, first)
            return first, [(self.first, first)]
        beta = BETA if self.beta is None else self.beta
        average = self.average.get(tasks, zero).lerp(losses, 1 - beta)
        steps = self.steps.get(tasks, zero) + 1
        return average / (1 - beta**steps), [(self.average, average), (self.steps, steps)]
