"""Improvable gap balancing."""

from __future__ import annotations

from torch import Tensor

from plait.balancing.algebra.logarithm import log_losses
from plait.balancing.base import LossBalancer
from plait.balancing.bases.preference import Preference, PreferenceBalancer
from plait.balancing.contract.info import Info, epoch_of
from plait.balancing.contract.names import tasks_present
from plait.balancing.memory.reference_losses import ReferenceLosses
from plait.core.errors import ConfigError


class IGB(PreferenceBalancer, LossBalancer):
    """Weights each log loss by how far the loss still is from zero (IGB v1).

        sum_t p_t w_t log L_t,    w = T softmax(L / base)    (without a gradient)

    with base_t the mean of L_t over the epoch `base_epoch`, the unit of that distance; up to the
    end of that epoch w_t = 1. So each L_t gets the weight p_t w_t / L_t.

    Args:
        base_epoch: the epoch, from 0, whose mean losses are the base; 1 as in the authors' code.
        preference: `{task: p_t}`, positive; tasks that are not named get 1.

    Shapes: losses `[T]`, not negative.

    Raises:
        ConfigError: an option outside its range, or a preference for an unknown task.

    Example:
        >>> import math, torch
        >>> balancer, tasks = IGB(base_epoch=0), ("a", "b")
        >>> _ = balancer.objective(torch.ones(2), Info(tasks, epoch=0))
        >>> losses = torch.tensor([1.0, 1.0 + math.log(3)], requires_grad=True)
        >>> objective = balancer.objective(losses, Info(tasks, epoch=1))
        >>> losses.detach() * torch.autograd.grad(objective, losses)[0]  # 2 softmax(L)
        tensor([0.5000, 1.5000])

    Differs: a task without a loss in the epoch of the base is measured by its first later loss. A
        loss of zero gets the weight 0. The preference is ours. In a loop of your own, `info` has
        to say the epoch. The paper's second version, which learns the weights by reinforcement, is
        not here.

    Cost: one backward pass; two numbers per task.

    Reference: Dai, Fei, Lu, "Improvable Gap Balancing for Multi-Task Learning", UAI 2023.
    """

    scale_free = True
    positive_losses = True
    reads_epochs = True

    def __init__(self, *, base_epoch: int = 1, preference: Preference | None = None) -> None:
        super().__init__(preference=preference)
        if base_epoch < 0:
            raise ConfigError(f"`base_epoch` must not be negative; found {base_epoch}.")
        self.base_epoch = base_epoch
        self.base = ReferenceLosses()

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the weighted sum of the log losses; those of the base's epoch are averaged."""
        tasks, epoch = tasks_present(losses, info), epoch_of(info)
        weights, values = self.preferred(tasks, losses), losses.detach()
        if epoch == self.base_epoch:
            self.base.add(tasks, values)
        if epoch > self.base_epoch:
            weights = weights * len(tasks) * (values / self.base.of(tasks, values)).softmax(0)
        return weights @ log_losses(losses)
