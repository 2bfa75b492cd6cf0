"""Smooth Tchebycheff scalarisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from plait.balancing.algebra.smooth_max import smooth_max
from plait.balancing.base import LossBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import check_names, tasks_present, values_by_task
from plait.core.errors import ConfigError


class SmoothTchebycheff(LossBalancer):
    """Minimises a smooth maximum of the losses, weighted by a preference.

        mu log sum_t exp(p_t (L_t - z_t) / mu)

    lies between max_t p_t (L_t - z_t) and mu log T above it, so each preference leads to its own
    trade-off, on concave parts of the Pareto front as well. The weights are p_t softmax(..)_t.
    `STCH` is the method made of it for training, without a preference to tune.

    Args:
        preference: `{task: p_t}`, positive; tasks that are not named get 1. The paper has 1/T: a
            common factor of p is one of 1/mu and of the learning rate, and with 1 equal losses get
            the weights of their mean.
        reference: `{task: z_t}`, what each loss could reach alone, 0 for tasks that are not named.
        mu: positive, in the unit of the losses; how smooth the maximum is. 0.1 (ours; the paper has
            0.01 to 1).

    Shapes: losses `[T]`.

    Raises:
        ConfigError: an option outside its range, or given for an unknown task.

    Example:
        >>> import math, torch
        >>> losses = torch.tensor([1.0, 1.0 + math.log(3)], requires_grad=True)
        >>> torch.autograd.grad(SmoothTchebycheff(mu=1.0).objective(losses), losses)[0]
        tensor([0.2500, 0.7500])

    Cost: one backward pass, no memory.

    Reference: Lin, Zhang, Yang, Liu, Wang, Zhang, "Smooth Tchebycheff Scalarization for
        Multi-Objective Optimization", ICML 2024.
    """

    equal_weight = "mean"

    def __init__(
        self,
        *,
        preference: Mapping[str, float] | None = None,
        reference: Mapping[str, float] | None = None,
        mu: float = 0.1,
    ) -> None:
        super().__init__()
        if not mu > 0:
            raise ConfigError(f"`mu` must be positive; found {mu}.")
        for task, value in (preference or {}).items():
            if not value > 0:
                raise ConfigError(
                    f"`preference` must be positive; found {value} for task {task!r}."
                )
        self.preference = None if preference is None else dict(preference)
        self.reference = None if reference is None else dict(reference)
        self.mu = mu

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the named tasks exist."""
        check_names([*(self.preference or {}), *(self.reference or {})], tasks)
        super().setup(tasks)

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the smooth maximum."""
        tasks = tasks_present(losses, info)
        preference = values_by_task(self.preference, tasks, losses, default=1.0)
        reference = values_by_task(self.reference, tasks, losses, default=0.0)
        return smooth_max(preference * (losses - reference), self.mu)
