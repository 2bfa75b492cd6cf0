"""First-order multi-gradient for multi-objective bilevel optimization."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from plait.balancing.algebra.points import Point, gradient, gradients, leaves, products
from plait.balancing.base import BilevelBalancer
from plait.balancing.contract.checks import check_lookahead
from plait.balancing.contract.info import Info, epoch_of
from plait.balancing.contract.problem import Problem
from plait.balancing.memory.adam import TaskAdam
from plait.balancing.memory.task import TaskState
from plait.balancing.solvers.dynamic_barrier import dynamic_barrier
from plait.core.errors import ConfigError


class FORUM(BilevelBalancer):
    """Lowers all validation losses as far as the weighted training loss allows it.

    The lower problem ``min_theta f``, f(a, theta) = sum_i w_i L_i^train(theta), w = softmax(a), is
    made a constraint q <= 0 on the upper one:

        q = f(a, theta) - f(a, theta_K),   theta_K = inner_step gradient steps on f from theta
        F_i = grad L_i^val(theta), scaled to length 1
        m = argmin over the simplex, nu >= max(0, phi - <grad q, F^T m> / |grad q|^2)
            of  |F^T m + nu grad q|^2 - phi nu |grad q|^2
        l <- l + (epoch + 1)^(-3/4) (m - l)                                       l = 0 at first
        nu = max(0, phi - <grad q, F^T l> / |grad q|^2)

    The direction is ``F^T l + nu grad q`` in (a, theta), so the training losses count nu w_i and
    the validation losses l_i / |grad L_i^val|; the logits take its part in a, by Adam. Where the
    validation gradients alone lower q fast enough, nu is 0 and the training losses do not count.

    Args:
        phi: how fast q has to fall, positive; 0.1 as in the authors' library.
        inner_lr: length of the inner gradient steps, positive; 0.1.
        inner_step: their number, at least 1; 5.
        outer_lr: learning rate of the logits' own Adam, positive; 1e-3.
        init: first value of each a_i; 0. Equal logits are equal weights, whatever the value.

    Shapes: weights `[T]` of the training losses, and `[T]` of the validation losses.

    Raises:
        ConfigError: an option is outside its range.
        NonFiniteError: a loss or gradient is not finite; no state has changed.

    Example:
        >>> class Opposed:  # one parameter at 1; L_train = a^2 / 2, L_val = -a
        ...     tasks, parameters = ("a",), (torch.tensor(1.0),)
        ...     def train(self, parameters):
        ...         return parameters[0].square()[None] / 2
        ...     def val(self, parameters):
        ...         return -parameters[0][None]
        ...     def virtual_step(self, parameters, gradient):
        ...         raise NotImplementedError
        >>> FORUM(phi=0.1).weights(Opposed())  # 1.1 - 1: the training loss falls all the same
        (tensor([1.1000], dtype=torch.float64), tensor([1.], dtype=torch.float64))

    Differs: the quadratic programme is solved exactly. Nothing is added to |grad q|^2 (the authors'
        code adds 1e-8). A task without validation labels, whose gradient is zero, is left out: its
        l is held and does not count. The sums of weights are not fixed, so `scale` changes
        nothing.

    Cost: beside the step itself, inner_step + 2 forward passes and inner_step + T backward passes;
        T gradients of the size of the model while it runs.

    Reference: Ye, Lin, Yue, Guo, Xiao, Zhang, "A First-Order Multi-Gradient Algorithm for
        Multi-Objective Bi-Level Optimization", ECAI 2024, algorithm 1.
    """

    reads_epochs = True

    def __init__(
        self,
        *,
        phi: float = 0.1,
        inner_lr: float = 0.1,
        inner_step: int = 5,
        outer_lr: float = 1e-3,
        init: float = 0.0,
    ) -> None:
        super().__init__()
        for option, value in {"phi": phi, "inner_lr": inner_lr, "outer_lr": outer_lr}.items():
            if not value > 0:
                raise ConfigError(f"`{option}` must be positive; found {value}.")
        if not inner_step >= 1:
            raise ConfigError(f"`inner_step` must be at least 1; found {inner_step}.")
        self.phi, self.inner_lr, self.inner_step = phi, inner_lr, inner_step
        self.outer_lr, self.init = outer_lr, init
        self.adam = TaskAdam(lr=outer_lr)
        self.logits, self.multipliers = TaskState(), TaskState()

    def weights(self, problem: Problem, info: Info | None = None) -> tuple[Tensor, Tensor]:
        """Returns the weights of the training and validation losses; moves the logits."""
        tasks = problem.tasks
        logits = self.logits.get(tasks, torch.tensor(self.init, dtype=torch.float64))
        shares = logits.softmax(dim=0).numpy()
        here = leaves(problem.parameters)
        slope, fall = self._gap(problem, here, shares)
        logit_slope = shares * (fall - shares @ fall)  # of q
        vectors = [slope, *gradients(problem.val(here), here)]
        inner = products(vectors, vectors)
        inner[0, 0] += logit_slope @ logit_slope  # in a, the validation gradients are zero
        norms = np.sqrt(np.diag(inner))
        check_lookahead(np.stack([fall, norms[1:], np.full(len(tasks), norms[0])], axis=1), tasks)

        lengths = np.where(norms > 0, norms, 1.0)
        cosines = inner / np.outer(lengths, lengths)
        held = self.multipliers.get(tasks, torch.zeros((), dtype=torch.float64)).numpy()
        rate = (1 + epoch_of(info)) ** -0.75
        multipliers = self._averaged(held, cosines, norms, rate)
        counted = np.where(norms[1:] > 0, multipliers, 0.0)
        nu = max(0.0, self.phi - counted @ cosines[0, 1:] / lengths[0])

        moved = self.adam.step(tasks, logits, torch.from_numpy(nu * logit_slope))
        self.logits.put(tasks, moved)
        self.multipliers.put(tasks, torch.from_numpy(multipliers))
        return torch.from_numpy(nu * shares), torch.from_numpy(counted / lengths[1:])

    def _averaged(
        self, held: np.ndarray, cosines: np.ndarray, norms: np.ndarray, rate: float
    ) -> np.ndarray:
        """Returns l after a step towards m; that of a task without a gradient is held."""
        active = np.flatnonzero(norms[1:] > 0)
        self.flag = None if len(active) else "no validation gradient"
        averaged = held.copy()
        if len(active):
            unit = cosines[1:, 1:][np.ix_(active, active)]
            found = dynamic_barrier(unit, cosines[0, 1:][active], self.phi * norms[0])
            averaged[active] += rate * (found - held[active])
        return averaged

    def _gap(self, problem: Problem, here: Point, shares: np.ndarray) -> tuple[Point, np.ndarray]:
        """Returns the gradient of f at theta, and L^train(theta) - L^train(theta_K) `[T]`."""
        start = problem.train(here)
        slope = first = self._slope(start, here, shares)
        point = here
        for step in range(self.inner_step):
            point = leaves([p - self.inner_lr * g for p, g in zip(point, slope, strict=True)])
            if step + 1 < self.inner_step:
                slope = self._slope(problem.train(point), point, shares)
        with torch.no_grad():
            end = problem.train(point)
        fall: np.ndarray = (start.detach().double() - end.double()).cpu().numpy()
        return first, fall

    def _slope(self, losses: Tensor, at: Point, shares: np.ndarray) -> Point:
        return gradient(torch.from_numpy(shares).to(losses) @ losses, at)
