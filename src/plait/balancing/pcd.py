"""Priority-constrained descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from plait.balancing.algebra.cosines import normalise, rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import check_names
from plait.balancing.memory.task import TaskState, grouped
from plait.balancing.solvers.least_distance import least_distance
from plait.core.errors import ConfigError

TAU = 0.02


class PCD(GramianBalancer):
    """Follows the main task's gradient as closely as the progress of all others allows (PCD).

        u_t = g_t / sqrt(v_t + eps),    v_t the running average of |g_t|^2, with bias correction
        e = argmin |e - u_main|^2  subject to  u_t^T e >= tau_t |u_t|^2  for each other task t
        d = |g_main| e / |e|

    so each other task makes at least the share `tau` of the progress that a step along its own
    gradient would bring, and the length of the step is that of the main gradient. Multiplying a
    loss of another task by a constant changes nothing, but for `eps`; `tau` says how much that task
    counts.

    Args:
        primary: name of the main task; by default the first one of `setup` or, without it, of the
            rows.
        tau: share of its own progress that each other task is to make, in [0, 1]; one number, or
            `{task: tau}`, where tasks that are not named have 0.02, the default, as in the paper.
            0 makes no task worse, to first order.
        beta: how much of the average is kept in each step, in [0, 1); 0.999 as in the paper.
        eps: a squared length, at least 0; 1e-8 as in the paper. A task asks for less progress as
            its gradient falls below sqrt(eps); with 0, gradients of any size are balanced alike.

    Shapes: gramian `[..., T, T]`, weights `[..., T]`, not negative.

    Raises:
        ConfigError: an option is outside its range or names a task that is not there, or `tau`
            names the main task.

    Example: e = (1, 3/4), and the main gradient has length 3.
        >>> PCD(tau=0.75).weights(torch.tensor([[9.0, 0.0], [0.0, 4.0]]))
        tensor([0.8000, 0.9000], dtype=torch.float64)

    Differs: there are three steps without an answer, which `flag` names. Where the main task is
        absent or its gradient is zero, all weights are 0 (the shared parameters rest). Where
        no direction serves all other tasks, d is the main gradient. With tau = 0, e may vanish, and
        the weights are 0. A gradient of zero leaves the average as it is.

    Cost: T backward passes, one small solve (O(T^3) for each change of the active set); one
        `[T, P]` buffer. Two numbers for each task.

    Reference: Varam, AlHajri, "Not All Objectives Are Born Equal: Priority-Constrained Descent for
        Hierarchical Multi-Objective Optimization", TMLR 2026.
    """

    equal_weight = "sum"  # the main task alone has weight 1
    scale_free = True

    def __init__(
        self,
        *,
        primary: str | None = None,
        tau: float | Mapping[str, float] = TAU,
        beta: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__()
        self.tau: float | dict[str, float] = dict(tau) if isinstance(tau, Mapping) else tau
        for value in self.tau.values() if isinstance(self.tau, dict) else [self.tau]:
            if not 0 <= value <= 1:
                raise ConfigError(f"`tau` must be in [0, 1]; found {value}.")
        if not 0 <= beta < 1:
            raise ConfigError(f"`beta` must be in [0, 1); found {beta}.")
        if not eps >= 0:
            raise ConfigError(f"`eps` must not be negative; found {eps}.")
        self.primary = primary
        self.beta, self.eps = beta, eps
        self.squares, self.steps = TaskState(), TaskState()

    def setup(self, tasks: Sequence[str]) -> None:
        """Checks that the tasks named exist.

        Raises:
            ConfigError: a name is that of no task, or `tau` has the main task.
        """
        named = [*self.tau] if isinstance(self.tau, dict) else []
        check_names([*named, *([self.primary] if self.primary is not None else [])], tasks)
        main = self.primary or next(iter(tasks), None)
        if main in named:
            raise ConfigError(
                f"`tau` is the share of the tasks beside the main one; found it for {main!r}, the "
                "main task. Leave it out, or name another `primary`."
            )
        super().setup(tasks)

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Solves the problem in units of u_main, for gradients of length 1."""
        names = [info.tasks[position] for position in active]
        sizes = self._sizes(grouped(names, info.group), gramian.diagonal())
        shares = np.zeros(len(names))  # of the gradients of length 1
        main = self.primary or (self.tasks or info.tasks)[0]
        if main not in names:
            self.flag = "no gradient of the main task"
            return shares
        first, others = names.index(main), np.array([name != main for name in names])
        norms, cosines = normalise(gramian)
        noise = rounding(info, len(names))

        shares[first] = 1.0
        wanted = self._taus(names) * sizes / sizes[first]
        margins = wanted[others] - cosines[others, first]
        found = least_distance(cosines[others][:, others], margins, noise)
        if found is None:
            self.flag = "the other tasks exclude each other"
            return shares
        shares[others] = found
        square = shares @ cosines @ shares
        null = 4 * max(noise, len(names) * float(np.finfo(float).eps))
        if square <= null * shares.sum() ** 2:
            self.flag = "Pareto-stationary"
            return np.zeros(len(names))
        weights: np.ndarray = shares * (norms[first] / norms) / np.sqrt(square)
        return weights

    def _taus(self, names: Sequence[str]) -> np.ndarray:
        if isinstance(self.tau, dict):
            return np.array([self.tau.get(name, TAU) for name in names])
        return np.full(len(names), self.tau)

    def _sizes(self, tasks: Sequence[str], squares: np.ndarray) -> np.ndarray:
        """Returns |u| `[n]`, and takes the squared lengths of this step into the averages."""
        now = torch.from_numpy(squares.copy())
        zero = torch.zeros((), dtype=torch.float64)
        average = self.squares.get(tasks, zero).lerp(now, 1 - self.beta)
        steps = self.steps.get(tasks, zero) + 1
        self.squares.put(tasks, average)
        self.steps.put(tasks, steps)
        sizes: np.ndarray = (now / (average / (1 - self.beta**steps) + self.eps)).sqrt().numpy()
        return sizes
