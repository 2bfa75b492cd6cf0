"""Weights from learned uncertainties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from plait.balancing.bases.learned_scales import LearnedScales
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import check_names
from plait.core.errors import ConfigError

Form = Literal["regression", "classification"]


class UncertaintyWeights(LearnedScales):
    """Learns a noise level for each task and weights its loss by the inverse (UW).

        sum_t a_t exp(-s_t) L_t + s_t / 2,    a_t = 1/2 (regression) or 1 (classification)

    with s_t = log sigma_t^2, learned by the optimizer along with the model
    (`plait.parameter_groups` gives it to the optimizer without weight decay, which would pull the
    weights towards each other). At its minimum s_t = log(2 a_t L_t): the weights are inverse to the
    losses.

    Args:
        form: "regression" or "classification" for all tasks, or `{task: form}`. Regression by
            default, as most implementations do for every task; the two differ by a factor of 2 in
            the weight.
        init: first value of s_t; 0 as in the paper.
        bound: s_t is kept in [-bound, bound], so that a loss that vanishes cannot send its weight
            to infinity; 10 (ours; weights from 4.5e-5 to 2.2e4). A step that leads out is cut at
            the bound when s_t is next read, so that s_t can come back at once.
        tasks: the names of all tasks, for a loop of your own; the Trainer sets them itself.

    Shapes: losses `[T]`.

    Raises:
        ConfigError: an unknown form or task, or a loss for a task that was not set up.

    Example:
        >>> balancer = UncertaintyWeights(tasks=["a", "b"])
        >>> losses = torch.tensor([2.0, 1.0], requires_grad=True)
        >>> torch.autograd.grad(balancer.objective(losses, Info(("a", "b"))), losses)[0]
        tensor([0.5000, 0.5000])

    Cost: one backward pass; one number per task.

    Reference: Kendall, Gal, Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for
        Scene Geometry and Semantics", CVPR 2018.
    """

    def __init__(
        self,
        *,
        form: Form | Mapping[str, Form] = "regression",
        init: float = 0.0,
        bound: float = 10.0,
        tasks: Sequence[str] | None = None,
    ) -> None:
        super().__init__(init=init, bound=bound)
        self.form = form
        for value in form.values() if isinstance(form, Mapping) else [form]:
            if value not in ("regression", "classification"):
                raise ConfigError(
                    f"`form` must be 'regression' or 'classification'; found {value!r}."
                )
        self.log_variance = nn.ParameterDict()
        if tasks is not None:
            self.setup(tasks)

    @property
    def scales(self) -> nn.ParameterDict:
        """The parameters s_t = log sigma_t^2."""
        return self.log_variance

    def setup(self, tasks: Sequence[str]) -> None:
        """Makes one s for each task; a second call for the same tasks keeps what was learned."""
        check_names(self.form if isinstance(self.form, Mapping) else (), tasks)
        super().setup(tasks)

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the objective of the tasks present; each s_t gets its gradient from it."""
        tasks = self.named_tasks(losses, info)
        s = self.read(tasks, losses)
        factor: float | Tensor = self._factor("")
        if isinstance(self.form, Mapping):
            factor = torch.tensor([self._factor(task) for task in tasks]).to(losses)
        return (factor * torch.exp(-s) * losses + 0.5 * s).sum()

    def _factor(self, task: str) -> float:
        form = self.form.get(task, "regression") if isinstance(self.form, Mapping) else self.form
        return 0.5 if form == "regression" else 1.0
