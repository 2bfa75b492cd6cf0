"""Smooth Tchebycheff scalarisation of the losses relative to an early epoch."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.balancing.algebra.logarithm import log_losses, vanished
from plait.balancing.algebra.smooth_max import smooth_max
from plait.balancing.base import LossBalancer
from plait.balancing.bases.preference import Preference, PreferenceBalancer
from plait.balancing.contract.info import Info, epoch_of
from plait.balancing.contract.names import tasks_present
from plait.balancing.memory.reference_losses import ReferenceLosses
from plait.core.errors import ConfigError


class STCH(PreferenceBalancer, LossBalancer):
    """Follows the tasks whose losses have fallen least, by a smooth maximum (STCH for MTL).

        up to `warmup_epoch`:  T sum_t p_t log L_t / sum_t p_t
        after it:              T mu log sum_t exp((log p_t + log(L_t / nadir_t)) / mu)

    with nadir_t the mean of L_t over the epoch `warmup_epoch`. The weights are
    ``T softmax(..)_t / L_t``, so sum_t w_t L_t = T. mu = 1 makes the objective T log of the sum of
    the relative losses; mu -> 0 follows the worst task alone; mu -> infinity is `LogTransform`.

    `SmoothTchebycheff` is the general form, of the losses themselves.

    Args:
        mu: positive; how smooth the maximum is. 1 as in the authors' code.
        warmup_epoch: the epoch, from 0, whose mean losses are the nadir; 4 as in the authors' code.
        preference: `{task: p_t}`, positive; tasks that are not named get 1.

    Shapes: losses `[T]`, not negative.

    Raises:
        ConfigError: an option outside its range, or a preference for an unknown task.

    Example:
        >>> balancer, info = STCH(warmup_epoch=0), Info(("a", "b"), epoch=1)
        >>> _ = balancer.objective(torch.tensor([4.0, 1.0]), Info(("a", "b"), epoch=0))
        >>> losses = torch.tensor([1.0, 0.75], requires_grad=True)  # 1/4 and 3/4 of the nadir
        >>> torch.autograd.grad(balancer.objective(losses, info), losses)[0]
        tensor([0.5000, 2.0000])

    Differs: a task without a loss in the epoch of the nadir is measured by its first later loss. A
        loss of zero gets the weight 0. The preference is ours. In a loop of your own, `info`
        has to say the epoch.

    Cost: one backward pass; two numbers per task.

    Reference: Lin, Zhang, Yang, Liu, Wang, Zhang, "Smooth Tchebycheff Scalarization for
        Multi-Objective Optimization", ICML 2024.
    """

    scale_free = True
    positive_losses = True
    reads_epochs = True

    def __init__(
        self,
        *,
        mu: float = 1.0,
        warmup_epoch: int = 4,
        preference: Preference | None = None,
    ) -> None:
        super().__init__(preference=preference)
        if not mu > 0:
            raise ConfigError(f"`mu` must be positive; found {mu}.")
        if warmup_epoch < 0:
            raise ConfigError(f"`warmup_epoch` must not be negative; found {warmup_epoch}.")
        self.mu = mu
        self.warmup_epoch = warmup_epoch
        self.nadir = ReferenceLosses()

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the objective of the epoch; the losses of the warm-up's last one are averaged."""
        tasks, epoch = tasks_present(losses, info), epoch_of(info)
        preference, logs = self.preferred(tasks, losses), log_losses(losses)
        if epoch <= self.warmup_epoch:
            if epoch == self.warmup_epoch:
                self.nadir.add(tasks, losses.detach())
            return len(tasks) * (preference @ logs) / preference.sum()
        relative = preference.log() + logs - self.nadir.of(tasks, losses.detach()).log()
        lowest = torch.finfo(losses.dtype).min  # of a loss that has vanished: not the worst task
        return len(tasks) * smooth_max(relative.masked_fill(vanished(losses), lowest), self.mu)
