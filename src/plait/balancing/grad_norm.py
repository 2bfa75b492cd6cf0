"""Gradients of lengths that follow the training rates of their tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.balancing.base import GramianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.losses import losses_of, refuse_negative
from plait.balancing.contract.names import check_names
from plait.balancing.memory.adam import TaskAdam
from plait.balancing.memory.task import TaskState, grouped
from plait.core.errors import ConfigError

LEAST = 1e-3  # of a weight, of which the mean is 1; Adam alone could make it negative


class GradNorm(GramianBalancer):
    """Learns weights that make slow tasks' gradients longer than those of fast ones.

        minimise sum_i |G_i - mean(G) r_i^alpha| over w,    G_i = w_i |g_i|
        r_i = (L_i / L_i(0)) / mean_j (L_j / L_j(0))

    with g_i at the last shared layer and the second term held constant. Each call returns the
    weights so far (1 at first), then takes one Adam step on them and scales them back to the sum
    that they had. A task that is absent or has a gradient of zero keeps its weight, its moments and
    L_i(0), and is in none of the means.

    Args:
        alpha: how strongly slow tasks are favoured, at least 0; 1.5 (the paper's, for tasks of
            different kinds; 0.12 for its toy of like tasks). 0 makes all gradients equally long.
        lr: learning rate of the weights; 0.025 (the paper's).
        initial_losses: L_i(0), `{task: positive value}`, such as log C of a classification with C
            classes. The first loss of a task that is not 0 by default.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, positive; over all tasks they add up to T.

    Raises:
        ConfigError: an option is outside its range or names an unknown task; the losses are not
            known, or one is negative.

    Example: at equal rates, the longer gradient loses weight after the first step.
        >>> balancer, info = GradNorm(), Info(("a", "b"), losses=torch.ones(2))
        >>> gramian = torch.tensor([[4.0, 0.0], [0.0, 1.0]])
        >>> torch.stack([balancer.weights(gramian, info) for _ in range(2)])
        tensor([[1.0000, 1.0000],
                [0.9750, 1.0250]], dtype=torch.float64)

    Differs: a weight is kept at 0.001 or above. The paper leaves open how weights are scaled back
        where tasks are absent.

    Cost: T backward passes to the last shared layer, one more for the rest.

    Reference: Chen, Badrinarayanan, Lee, Rabinovich, "GradNorm: Gradient Normalization for Adaptive
        Loss Balancing in Deep Multitask Networks", ICML 2018, algorithm 1.
    """

    at = "last layer"
    positive_losses = True

    def __init__(
        self,
        *,
        alpha: float = 1.5,
        lr: float = 0.025,
        initial_losses: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        if not alpha >= 0:
            raise ConfigError(f"`alpha` must not be negative; found {alpha}.")
        if not lr > 0:
            raise ConfigError(f"`lr` must be positive; found {lr}.")
        for task, loss in (initial_losses or {}).items():
            if not loss > 0:
                raise ConfigError(
                    f"`initial_losses` must be positive; found {loss} for task {task!r}."
                )
        self.alpha = alpha
        self.lr = lr
        self.initial_losses = None if initial_losses is None else dict(initial_losses)
        self.learned = TaskState()
        self.first = TaskState()
        self.adam = TaskAdam(lr=lr)

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the tasks of `initial_losses` exist."""
        check_names(self.initial_losses or {}, tasks)
        super().setup(tasks)

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Returns the weights so far, and learns those of the next step."""
        losses = losses_of(info, "GradNorm")
        refuse_negative(losses, info, "GradNorm")
        tasks = grouped([info.tasks[position] for position in active], info.group)
        norms = torch.from_numpy(np.sqrt(np.diag(gramian)))
        weights = self.learned.get(tasks, torch.ones((), dtype=torch.float64))
        rates = self._rates(losses[active], active, info)

        lengths = weights * norms
        targets = lengths.mean() * rates**self.alpha
        gradient = torch.sign(lengths - targets) * norms
        learned = self.adam.step(tasks, weights, gradient).clamp(min=LEAST)
        self.learned.put(tasks, learned * (weights.sum() / learned.sum()))
        return weights.numpy()

    def _rates(self, losses: Tensor, active: np.ndarray, info: Info) -> Tensor:
        """Returns r of the tasks with a gradient, and remembers the first losses."""
        tasks = [info.tasks[position] for position in active]
        given = self.initial_losses or {}
        first = self.first.get(tasks, torch.zeros((), dtype=torch.float64))
        first = torch.where(first > 0, first, losses)
        known = torch.tensor([given.get(task, 0.0) for task in tasks], dtype=torch.float64)
        self.first.put(tasks, first)
        first = torch.where(known > 0, known, first)
        # A task whose losses were all 0 has made no progress yet; one at 0 has made all of it
        ratios = torch.where(first > 0, losses / first, 1.0)
        mean = ratios.mean()
        return ratios / mean if mean > 0 else torch.ones_like(ratios)
