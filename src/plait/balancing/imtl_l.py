"""Impartial losses: learned weights that bring all losses to one value."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.balancing.bases.learned_scales import LearnedScales
from plait.balancing.contract.info import Info


class IMTLL(LearnedScales):
    """Learns a scale for each loss at which all scaled losses are equal (IMTL-L).

        sum_t exp(s_t) L_t - s_t

    with s_t learned by the optimizer along with the model (`plait.parameter_groups` gives it to the
    optimizer without weight decay). At its minimum s_t = -log L_t, so exp(s_t) L_t = 1 for every
    task. With s -> -s this is twice the regression form of `UncertaintyWeights`: the two differ
    under an optimizer that feels the length of the gradient, and in where the weights start.

    Args:
        init: first value of s_t; 0 as in the paper.
        bound: s_t is kept in [-bound, bound], so that a loss that vanishes cannot send its weight
            to infinity; 10 (ours; weights from 4.5e-5 to 2.2e4).
        tasks: the names of all tasks, for a loop of your own; the Trainer sets them itself.

    Shapes: losses `[T]`.

    Raises:
        ConfigError: `bound` is not positive, or a loss for a task that was not set up.

    Example:
        >>> balancer = IMTLL(tasks=["a", "b"], init=0.0)
        >>> losses = torch.tensor([2.0, 1.0], requires_grad=True)
        >>> torch.autograd.grad(balancer.objective(losses), losses)[0]
        tensor([1., 1.])

    Cost: one backward pass; one number per task.

    Reference: Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang, "Towards Impartial Multi-task
        Learning", ICLR 2021, section 3.2.
    """

    def __init__(
        self, *, init: float = 0.0, bound: float = 10.0, tasks: Sequence[str] | None = None
    ) -> None:
        super().__init__(init=init, bound=bound)
        self.log_scale = nn.ParameterDict()
        if tasks is not None:
            self.setup(tasks)

    @property
    def scales(self) -> nn.ParameterDict:
        """The parameters s_t, the logarithms of the weights."""
        return self.log_scale

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the objective of the tasks present; each s_t gets its gradient from it."""
        s = self.read(self.named_tasks(losses, info), losses)
        return (torch.exp(s) * losses - s).sum()
