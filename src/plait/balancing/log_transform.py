"""The sum of the logarithms of the losses."""

from __future__ import annotations

from torch import Tensor

from plait.balancing.algebra.logarithm import log_losses
from plait.balancing.base import LossBalancer
from plait.balancing.bases.preference import PreferenceBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import tasks_present


class LogTransform(PreferenceBalancer, LossBalancer):
    """Adds up the logarithms of the losses (scale-invariant baseline, SI).

        sum_t p_t log L_t,    weights p_t / L_t

    so a step counts each task's relative change, whatever the unit of its loss. It is what
    `UncertaintyWeights` and `IMTLL` tend to when their weights have been learned.

    Args:
        preference: `{task: p_t}`, positive; tasks that are not named get 1.

    Shapes: losses `[T]`, not negative.

    Raises:
        ConfigError: a preference that is not positive, or of an unknown task.

    Example:
        >>> import torch
        >>> losses = torch.tensor([4.0, 0.5], requires_grad=True)
        >>> torch.autograd.grad(LogTransform().objective(losses), losses)[0]
        tensor([0.2500, 2.0000])

    Differs: implementations add a small number, from 1e-20 to 1, to the loss, which makes the
        method depend on its unit. Here a loss of exactly zero gets the weight 0, for it can fall no
        further; the weight of a loss that tends to zero is not bounded.

    Cost: one backward pass, no memory.

    Reference: used as "scale-invariant" in Navon et al., "Multi-Task Learning as a Bargaining
        Game", ICML 2022, and as loss-scale balancing in Lin et al., "Dual-Balancing for Multi-Task
        Learning", arXiv 2308.12029, 2023.
    """

    scale_free = True
    positive_losses = True

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the sum of the logarithms."""
        return self.preferred(tasks_present(losses, info), losses) @ log_losses(losses)
