"""Momentum on the weights of another method."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from plait.balancing.base import GramianBalancer
from plait.balancing.bases.wrapper import Wrapper
from plait.balancing.contract.checks import check_square
from plait.balancing.contract.info import Info, informed
from plait.balancing.memory.task import TaskState, grouped
from plait.balancing.upgrad import UPGrad
from plait.core.errors import ConfigError


class CRMOGM(Wrapper):
    """Averages another method's weights over the steps (CR-MOGM).

        w_k = alpha w_(k-1) + (1 - alpha) v_k,    v_k what the inner method returns

    Weights that depend on the gradients of the same batch bias the direction; averaged ones do so
    less. If all v_k are on the simplex and no task is ever absent, w_k is as well. A task that is
    absent or has a gradient of zero keeps its weight; one that is new starts like the first step.

    Args:
        method: the inner method; `UPGrad` by default (ours).
        alpha: in [0, 1); 0.9 (the fixed value of the experiments). None: ``1 - lr_k / lr_max``
            from the learning rates so far (`Info.learning_rate`), so that weights and parameters
            slow down together. lr_max is the first one unless there is a warm-up.
        initial: w_0: "first", the inner method's weights in the first step (v_1, so that w_1 is
            v_1), or "equal", equal weighting.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`.

    Raises:
        ConfigError: an option is outside its range; `alpha` is None and the learning rate is not
            known.

    Example: the inner weights of the second step are (1/2, 1/2).
        >>> balancer = CRMOGM(alpha=0.9)
        >>> balancer.weights(torch.tensor([[1.0, -0.5], [-0.5, 1.0]]))
        tensor([0.7500, 0.7500], dtype=torch.float64)
        >>> balancer.weights(torch.eye(2))
        tensor([0.7250, 0.7250], dtype=torch.float64)

    Differs: the paper starts from given weights; "first" needs none.

    Cost: that of the inner method, and one number for each task.

    Reference: Zhou, Zhang, Jiang, Zhong, Gu, Zhu, "On the Convergence of Stochastic Multi-Objective
        Gradient Manipulation and Beyond", NeurIPS 2022, algorithm 1.
    """

    peak: Tensor

    def __init__(
        self,
        method: GramianBalancer | None = None,
        *,
        alpha: float | None = 0.9,
        initial: Literal["first", "equal"] = "first",
    ) -> None:
        super().__init__(UPGrad() if method is None else method)
        if alpha is not None and not 0 <= alpha < 1:
            raise ConfigError(f"`alpha` must be in [0, 1) or None; found {alpha}.")
        if initial not in ("first", "equal"):
            raise ConfigError(f"`initial` must be 'first' or 'equal'; found {initial!r}.")
        self.alpha = alpha
        self.initial = initial
        self.last = TaskState()
        self.register_buffer("peak", torch.zeros((), dtype=torch.float64))  # of the learning rate

    def weights(self, gramian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns the averages with the inner method's weights, `[..., T]`."""
        check_square(gramian)
        known = informed(gramian, info)
        peak = max(float(self.peak), known.learning_rate)
        alpha = self._momentum(known.learning_rate, peak)
        raw = self.method.weights(gramian, info, **draws)
        self.flag = self.method.flag
        self.peak.fill_(peak)

        matrices = gramian.detach().cpu().numpy().reshape(-1, *gramian.shape[-2:])
        averages = torch.zeros_like(raw).reshape(len(matrices), -1)
        for position, row in enumerate(raw.reshape(averages.shape)):
            active = np.flatnonzero(self.active(matrices[position]))
            if len(active):
                names = [known.tasks[i] for i in active]
                tasks = grouped(names, known.group + position)
                averages[position, active] = self._average(tasks, row[active], len(row), alpha)
        return averages.reshape(raw.shape)

    def _average(self, tasks: tuple[str, ...], raw: Tensor, present: int, alpha: float) -> Tensor:
        equal = 1.0 / present if self.equal_weight == "mean" else 1.0
        first = raw if self.initial == "first" else torch.full_like(raw, equal)
        last = self.last.get(tasks, torch.full((), torch.nan, dtype=raw.dtype))
        new = alpha * torch.where(last.isnan(), first, last) + (1 - alpha) * raw
        self.last.put(tasks, new)
        return new

    def _momentum(self, rate: float, peak: float) -> float:
        if self.alpha is not None:
            return self.alpha
        if peak <= 0:
            raise ConfigError(
                "CRMOGM with `alpha=None` reads the learning rate; found none so far. Give it by "
                "hand with `info=Info(tasks, learning_rate=...)`, or set `alpha`."
            )
        return max(0.0, 1.0 - rate / peak)
