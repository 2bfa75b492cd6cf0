"""Fair shares of the gain that follow how well each task does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from plait.balancing.bases.preference import Preference
from plait.balancing.contract.info import Info, epoch_of
from plait.balancing.contract.losses import losses_of
from plait.balancing.contract.names import check_names
from plait.balancing.fair_grad import FairGrad
from plait.balancing.memory.epoch_means import EpochMeans
from plait.balancing.memory.task import TaskState
from plait.core.errors import ConfigError


class PIVRG(FairGrad):
    """Prefers the tasks that are furthest behind their single-task networks (PIVRG).

    It is `FairGrad` with a preference that changes between epochs:

        (G w)_i = (p_i / w_i)^(1 / alpha),    p = T softmax(a / tau)
        a_i = 100 (mean of L_i in the last epoch / r_i - 1)              in percent, high is bad
        tau = max((max a - min a) / log(bound), min_temperature)

    with r_i what a network for task i alone reaches. So no task is preferred more than `bound`
    times as much as another one, and gaps of less than `min_temperature` percent hardly count.
    p is 1 in the first epoch.

    Args:
        references: `{task: r_i}`, positive, of every task: the mean training loss at the end of a
            network of its own (`plait compare` trains such), times the static weight where the task
            has one. Without them, r_i is the mean of L_i in its first epoch (ours), so that the
            tasks that have fallen least are preferred.
        bound: largest ratio of two preferences, above 1; 2 as in the authors' code.
        min_temperature: positive, in percent; 10 as in the authors' code.
        alpha: that of `FairGrad`; 2 as in the authors' code.
        preference: a constant factor of each task's p; 1 by default.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, positive; 0 where there is no solution.

    Raises:
        ConfigError: an option is outside its range; a reference of a task is missing or of an
            unknown one; the losses are not known.

    Example: a is twice its reference after the first epoch, so p = (4/3, 2/3); w^3 = p / G^2.
        >>> balancer, gramian = PIVRG(references={"a": 1.0, "b": 3.0}), torch.eye(2)
        >>> losses = torch.tensor([2.0, 3.0])
        >>> balancer.weights(gramian, Info(("a", "b"), losses, epoch=0))
        tensor([1., 1.], dtype=torch.float64)
        >>> balancer.weights(gramian, Info(("a", "b"), losses, epoch=1)) ** 3
        tensor([1.3333, 0.6667], dtype=torch.float64)

    Differs: a is measured by training losses, while the authors take the metrics of each data set
        (those of the training data, or of validation) against constants in their code. They
        multiply d by T and clip it to length 1. A task without a finished epoch has p = 1, and the
        others share the rest.

    Cost: T backward passes, 6 to 15 solves of `[T, T]`; one `[T, P]` buffer. Six numbers for each
        task.

    Reference: Qin, Wang, Yan, "Revisiting Fairness in Multitask Learning: A Performance-Driven
        Approach for Variance Reduction", CVPR 2025.
    """

    positive_losses = True
    reads_epochs = True

    def __init__(
        self,
        *,
        references: Mapping[str, float] | None = None,
        bound: float = 2.0,
        min_temperature: float = 10.0,
        alpha: float = 2.0,
        preference: Preference | None = None,
    ) -> None:
        super().__init__(alpha=alpha, preference=preference)
        for task, value in (references or {}).items():
            if not 0 < value < math.inf:
                raise ConfigError(
                    f"`references` must be positive and finite; found {value} for task {task!r}."
                )
        if not bound > 1:
            raise ConfigError(f"`bound` must be above 1; found {bound}.")
        if not min_temperature > 0:
            raise ConfigError(f"`min_temperature` must be positive; found {min_temperature}.")
        self.references = None if references is None else dict(references)
        self.bound = bound
        self.min_temperature = min_temperature
        self.means, self.first = EpochMeans(), TaskState()

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that there is a reference for each task, if there are any."""
        check_names(self.references or (), tasks)
        self._check_references(tasks)
        super().setup(tasks)

    def favour(self, info: Info) -> np.ndarray:
        """Returns p `[T]` of the tasks present, and takes their losses into the epoch's means."""
        self._check_references(info.tasks)
        losses = losses_of(info, "PIVRG")
        last, _ = self.means.take(info.tasks, losses, epoch_of(info))
        reference = self._references(info.tasks, last)
        known = last > 0
        favour = super().favour(info)
        if known.any():
            gaps = 100 * (last[known] / reference[known] - 1)
            spread = float(gaps.max() - gaps.min())
            temperature = max(spread / math.log(self.bound), self.min_temperature)
            favour[known.numpy()] *= (known.sum() * (gaps / temperature).softmax(0)).numpy()
        return favour

    def _references(self, tasks: Sequence[str], last: Tensor) -> Tensor:
        """Returns r `[T]`; without references, the mean of a task's first epoch that is over."""
        if self.references is not None:
            return torch.tensor([self.references[task] for task in tasks], dtype=last.dtype)
        first = self.first.get(tasks, torch.zeros_like(last[0]))
        first = torch.where(first > 0, first, last)
        self.first.put(tasks, first)
        return first

    def _check_references(self, tasks: Iterable[str]) -> None:
        for task in tasks:
            if self.references is not None and task not in self.references:
                raise ConfigError(
                    f"`references` must have a loss of every task; found none of {task!r}. Add it, "
                    "or leave `references` out."
                )
