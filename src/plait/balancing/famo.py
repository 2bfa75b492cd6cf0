"""Fast adaptive multitask optimisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from plait.balancing.algebra.logarithm import log_losses, vanished
from plait.balancing.base import LossBalancer
from plait.balancing.bases.preference import Preference, PreferenceBalancer
from plait.balancing.contract.info import Info, Reread
from plait.balancing.contract.names import check_names, tasks_present, values_by_task
from plait.balancing.memory.adam import TaskAdam
from plait.balancing.memory.task import TaskState
from plait.core.errors import ConfigError, NonFiniteError


class FAMO(PreferenceBalancer, LossBalancer):
    """Lets all losses fall at about the same relative rate, by reading them again after each step.

        z = softmax(log p + xi),    D = L - min_losses,    c = sum_t z_t / D_t
        objective  sum_t z_t log D_t / c,    weights  z_t / (D_t c), which add up to 1

    and after the step, with D' those of the same batch then, xi (0 at the start) takes one step of
    Adam on the gradient J^T (log D - log D') + weight_decay xi, with J = diag(z) - z z^T: a task
    that has fallen less than the others gets more weight.

    The second reading has to see what the first one saw: the same examples, scale of the losses and
    random state. In a loop of your own call ``balancer.after_step(reread)`` after each optimizer
    step, with a function that returns `{task: loss}`.

    Args:
        lr: learning rate of xi, positive; 0.025 as in the paper.
        weight_decay: not negative; pulls xi towards 0. 1e-3 as in the paper; the authors' code has
            from 1e-5 to 1e-2.
        min_losses: `{task: value}`, a lower bound of the loss; 0 for tasks that are not named. A
            loss at its bound or below, up to rounding, gets the weight 0 for the step, and `flag`
            says so.
        preference: `{task: p_t}`, positive; tasks that are not named get 1.

    Shapes: losses `[T]`.

    Raises:
        ConfigError: an option outside its range, or given for an unknown task; a negative loss
            without a bound; or the losses were not read again after the step before.
        NonFiniteError: a loss that was read again is NaN or infinite; no weight has changed.

    Example:
        >>> balancer = FAMO()
        >>> losses = torch.tensor([1.0, 3.0], requires_grad=True)
        >>> torch.autograd.grad(balancer.objective(losses), losses)[0]
        tensor([0.7500, 0.2500])
        >>> balancer.after_step(lambda: {"0": torch.tensor(0.5), "1": torch.tensor(3.0)})
        >>> balancer.logits.get(["0", "1"], default=torch.tensor(0.0))
        tensor([-0.0250,  0.0250])

    Differs: the authors add 1e-8 to D; below the bound their logarithm is not a number, and just
        above it the task takes all of the weight. The preference is ours. The authors' code clips
        the shared gradient at length 1; the Trainer does so if asked.

    Cost: one backward pass and a second forward pass; four numbers per task.

    Reference: Liu, Feng, Stone, Liu, "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023,
        algorithm 2.
    """

    equal_weight = "mean"
    rereads = True

    scale_free = True

    def __init__(
        self,
        *,
        lr: float = 0.025,
        weight_decay: float = 1e-3,
        min_losses: Mapping[str, float] | None = None,
        preference: Preference | None = None,
    ) -> None:
        super().__init__(preference=preference)
        if not lr > 0:
            raise ConfigError(f"`lr` must be positive; found {lr}.")
        if not weight_decay >= 0:
            raise ConfigError(f"`weight_decay` must not be negative; found {weight_decay}.")
        self.lr = lr
        self.weight_decay = weight_decay
        self.min_losses = None if min_losses is None else dict(min_losses)
        self.logits = TaskState()
        self.adam = TaskAdam(lr=lr, weight_decay=weight_decay)
        self._due: tuple[tuple[str, ...], Tensor] | None = None  # the tasks and D of this step

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the named tasks exist."""
        check_names(self.min_losses or {}, tasks)
        super().setup(tasks)

    def objective(self, losses: Tensor, info: Info | None = None) -> Tensor:
        """Returns the objective of this step; `after_step` has to follow."""
        if self._due is not None:
            raise ConfigError(
                "FAMO reads the losses again after each step: call `balancer.after_step(reread)` "
                "with a function that returns the losses of the same batch by task."
            )
        tasks = tasks_present(losses, info)
        gaps = self._gaps(tasks, losses)
        self.flag = self._below(tasks, losses.tolist())
        self._due = tasks, gaps.detach()
        z = self._shares(tasks, gaps.detach())
        c = (z / torch.where(vanished(gaps), 1.0, gaps.detach())).sum()
        return z @ log_losses(gaps) / torch.where(c > 0, c, 1.0)

    def after_step(self, reread: Reread | None = None) -> None:
        """Reads the losses again, and updates the weights of the tasks present in the step."""
        if self._due is None or reread is None:
            return
        tasks, before = self._due
        self._due = None
        after = self._again(tasks, reread(), before)
        smallest = torch.finfo(before.dtype).eps * before
        fallen = log_losses(before) - log_losses(torch.maximum(after, smallest))
        fallen = torch.where(vanished(before), 0.0, fallen)

        z = self._shares(tasks, before)
        logits = self.logits.get(tasks, before.new_zeros(()))
        self.logits.put(tasks, self.adam.step(tasks, logits, z * (fallen - z @ fallen)))

    def _below(self, tasks: Sequence[str], losses: Sequence[float]) -> str | None:
        """Returns a flag that names the tasks below their bounds; refuses those without one."""
        bounds = self.min_losses or {}
        below = [t for t, loss in zip(tasks, losses, strict=True) if loss < bounds.get(t, 0.0)]
        for task in below:
            if task not in bounds:
                raise ConfigError(
                    f"FAMO needs a lower bound of every loss; found that of {task!r} negative. "
                    "Give its bound in `min_losses`."
                )
        return f"below `min_losses`: {', '.join(below)}" if below else None

    def _again(self, tasks: Sequence[str], losses: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Returns D after the step, checked."""
        for task in tasks:
            if task not in losses:
                raise ConfigError(
                    f"the losses read again lack task {task!r}, which was in the step. Read the "
                    "same batch."
                )
        values = torch.stack([losses[task].detach().to(like) for task in tasks])
        finite = values.isfinite().tolist()
        broken = [task for task, good in zip(tasks, finite, strict=True) if not good]
        if broken:
            raise NonFiniteError(
                f"the loss of {', '.join(map(repr, broken))} is not finite after the step; no "
                "weight was changed. Lower the learning rate.",
                broken,
            )
        return self._gaps(tasks, values)

    def _gaps(self, tasks: Sequence[str], losses: Tensor) -> Tensor:
        """Returns D `[T]`; 0 where the loss is at its bound or below, up to rounding."""
        bound = values_by_task(self.min_losses, tasks, losses, default=0.0)
        gaps = losses - bound
        return torch.where(gaps > torch.finfo(losses.dtype).eps * bound.abs(), gaps, 0.0)

    def _shares(self, tasks: Sequence[str], gaps: Tensor) -> Tensor:
        """Returns z `[T]` among the tasks whose D has not vanished; 0 for the others."""
        logits = self.logits.get(tasks, gaps.new_zeros(()))
        powers = self.preferred(tasks, gaps) * (logits - logits.max()).exp() * ~vanished(gaps)
        total = powers.sum()
        return powers / torch.where(total > 0, total, 1.0)
