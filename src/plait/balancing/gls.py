"""The geometric mean of the losses."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.balancing.algebra.logarithm import log_losses, vanished
from plait.balancing.base import LossBalancer
from plait.balancing.bases.preference import PreferenceBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import tasks_present


class GLS(PreferenceBalancer, LossBalancer):
    """Minimises the geometric mean of the losses (geometric loss strategy).

        M = (prod_t L_t^p_t)^(1 / sum_t p_t) = exp(sum_t p_t log L_t / sum_t p_t)

    The weights are M p_t / (L_t sum p): the direction is that of `LogTransform`, and its length
    falls with the losses. Equal losses get the weights of their mean, 1/T each.

    Args:
        preference: `{task: p_t}`, positive; tasks that are not named get 1.

    Shapes: losses `[T]`, not negative.

    Raises:
        ConfigError: a preference that is not positive, or of an unknown task.

    Example:
        >>> losses = torch.tensor([4.0, 1.0], requires_grad=True)
        >>> mean = GLS().objective(losses)
        >>> mean.item(), torch.autograd.grad(mean, losses)[0]
        (2.0, tensor([0.2500, 1.0000]))

    Differs: computed from logarithms; the product of many losses leaves the range of floats. A loss
        of exactly zero is left out of the mean, which it would bring, and all weights with it, to
        zero.

    Cost: one backward pass, no memory.

    Reference: Chennupati, Sistu, Yogamani, Rawashdeh, "MultiNet++: Multi-Stream Feature Aggregation
        and Geometric Loss Strategy for Multi-Task Learning", CVPR Workshops 2019.
    """

    equal_weight = "mean"
    scale_free = True
    positive_losses = True

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the geometric mean; 0 if every loss is."""
        shares = self.preferred(tasks_present(losses, info), losses) * ~vanished(losses)
        total = shares.sum()
        mean = shares @ log_losses(losses) / torch.where(total > 0, total, 1.0)
        return mean.exp() * (total > 0)
