"""One gradient in a step, and momenta of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from plait.balancing.algebra.rows import at_least_single, inner_products, weighted_sum
from plait.balancing.base import GramianBalancer, JacobianBalancer
from plait.balancing.bases.in_turn import InTurnBalancer
from plait.balancing.bases.wrapper import Around
from plait.balancing.contract.info import Info
from plait.balancing.memory.pair import PairState
from plait.balancing.memory.row import RowState
from plait.balancing.memory.task import TaskState
from plait.balancing.upgrad import UPGrad
from plait.core.errors import ConfigError

DIRECTION = ("direction",)  # the key of the last one


class StaleRows(Around, InTurnBalancer):
    """Applies another method to momenta of the tasks' gradients, of which it renews one in a step.

    In step k, for each task t whose turn it is, with g_t its gradient and n_t its turns so far,

        m_t <- beta m_t + (1 - beta) g_t

    and then, with A the inner method on all tasks present,

        d_k = A(m_1 / (1 - beta^n_1), ..., m_T / (1 - beta^n_T))
        M_k = (1 - beta^k) d_k,    g'_k = (M_k - beta M_(k-1)) / (1 - beta)

    g' is the gradient whose own average is d_k. `Adam` with ``betas=(beta, 0.999)`` on it is
    M-ConFIG, where A is `ConFIG`. The turn is that of the task which waits longest (ties by name);
    one that is absent keeps its momentum, and does not count until it is back. Heads get their
    gradient in every step.

    Args:
        method: A, any that reads the rows, or one Gramian of one batch at all shared parameters;
            `UPGrad` by default (ours).
        tasks_per_step: tasks that are differentiated in a step, at least 1; 1 (the paper's).
        beta: how much of a momentum stays at its turn, in [0, 1); 0.9 (the paper's). 0 keeps the
            last gradient of each task.
        returns: "gradient" (g', for an optimizer that averages with `beta`, as Adam does) or
            "direction" (d_k, for plain SGD).

    Shapes: jacobian `[T, P]`, direction `[P]`.

    Raises:
        ConfigError: an option is outside its range; `method` reads the gradients elsewhere, by
            group, or of several batches; the shared parameters have become fewer.

    Example: the second step reads the gradient of the first task alone.
        >>> balancer = StaleRows(beta=0.0)
        >>> balancer.combine(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        tensor([0.5000, 0.5000])
        >>> balancer.combine(torch.tensor([[3.0, 0.0], [9.0, 9.0]]))
        tensor([1.5000, 0.5000])

    Differs: the authors leave all parameters as they are until each task had its turn; here a task
        is differentiated in the first step that has it. They divide by the root of the averaged
        squares of g' as well, which is left to the optimizer.

    Cost: 1 backward pass (`tasks_per_step` of them) and 1 through the heads; as many as there are
        new tasks in a step that meets them. T x P numbers are kept, and P more for "gradient";
        O(T P) arithmetic. A row method has a further `[T, P]` within a step.

    Reference: Liu, Chu, Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed Neural
        Networks", ICLR 2025, the variant with momentum (M-ConFIG).
    """

    def __init__(
        self,
        method: GramianBalancer | JacobianBalancer | None = None,
        *,
        tasks_per_step: int = 1,
        beta: float = 0.9,
        returns: Literal["gradient", "direction"] = "gradient",
    ) -> None:
        super().__init__(UPGrad() if method is None else method)
        _check_method(self.method)
        if tasks_per_step < 1:
            raise ConfigError(f"`tasks_per_step` must be at least 1; found {tasks_per_step}.")
        if not 0 <= beta < 1:
            raise ConfigError(f"`beta` must be in [0, 1); found {beta}.")
        if returns not in ("gradient", "direction"):
            raise ConfigError(f"`returns` must be 'gradient' or 'direction'; found {returns!r}.")
        self.tasks_per_step = tasks_per_step
        self.beta = beta
        self.returns = returns
        self.row_buffers += 1
        self.steps = 0
        self.momenta, self.last = RowState(), RowState()
        self.counts, self.turned = TaskState(), TaskState()
        self.products, self.stamps = PairState(), PairState()

    def get_extra_state(self) -> dict[str, int]:
        """Returns the number of steps so far; all else is kept by task."""
        return {"steps": self.steps}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Restores the number of steps."""
        self.steps = state["steps"]

    def turns(self, tasks: Sequence[str], taken: int = 0) -> tuple[str, ...]:
        """Returns the new tasks, and of the others those that have waited longest."""
        never = torch.full((), -1.0, dtype=torch.float64)
        waited = dict(zip(tasks, self.turned.get(tasks, never).tolist(), strict=True))
        new = sum(last < 0 for last in waited.values())
        room = max(new, self.tasks_per_step - taken)
        chosen = sorted(tasks, key=lambda task: (waited[task], task))[:room]
        return tuple(task for task in tasks if task in chosen)

    def follow(
        self,
        jacobian: Tensor,
        turns: Sequence[str],
        info: Info,
        *,
        scale: float = 1.0,
        idle: Sequence[slice] = (),
    ) -> Tensor:
        """Renews the momenta of the tasks `turns`, and combines those of all tasks present."""
        like = jacobian.new_empty((0, jacobian.shape[1]), dtype=at_least_single(jacobian.dtype))
        known = dict(zip(info.tasks, self.momenta.rows(info.tasks, like), strict=True))
        for task, row in zip(turns, jacobian, strict=True):
            known[task] = known[task].mul(self.beta).add_(row.to(like), alpha=1 - self.beta)
        self.momenta.keep(turns, [known[task] for task in turns])
        zero = torch.zeros((), dtype=torch.float64)
        self.counts.put(turns, self.counts.get(turns, zero) + 1)
        self.turned.put(turns, torch.full((len(turns),), float(self.steps), dtype=zero.dtype))
        self.steps += 1

        counts = self.counts.get(info.tasks, zero)
        momenta, factors = list(known.values()), 1.0 / (1.0 - self.beta**counts)
        if isinstance(self.method, GramianBalancer):
            found = self._by_weights(self.method, momenta, factors, counts, info, jacobian.dtype)
        else:
            assert isinstance(self.method, JacobianBalancer)
            rows = torch.stack([m * f for m, f in zip(momenta, factors.tolist(), strict=True)])
            found = self.method.combine(rows, info)
            self.last_weights = self.method.last_weights
        self.flag = self.method.flag
        return self._returned(found * scale, like, idle).to(jacobian.dtype)

    def _by_weights(
        self,
        method: GramianBalancer,
        momenta: Sequence[Tensor],
        factors: Tensor,
        counts: Tensor,
        info: Info,
        dtype: torch.dtype,
    ) -> Tensor:
        """Combines the momenta, each times its factor, by the weights of a Gramian method."""
        products = self._products(info.tasks, momenta, counts.numpy())
        self.gramian = products * np.outer(factors, factors)
        exact = replace(info, dtype=torch.float64, rows=dtype)
        self.last_weights = method.weights(torch.from_numpy(self.gramian), exact)
        return weighted_sum((self.last_weights * factors).tolist(), momenta)

    def _products(
        self, tasks: Sequence[str], momenta: Sequence[Tensor], counts: np.ndarray
    ) -> np.ndarray:
        """Returns the inner products `[T, T]` of the momenta; computes those that have changed.

        A pair is stamped with the sum of both counts, which stays only where neither has moved.
        """
        products, wanted = self.products.get(tasks), np.add.outer(counts, counts)
        changed, renewed = self.stamps.get(tasks) != wanted, list[int]()
        while changed.any():
            most = int(changed.sum(axis=0).argmax())
            renewed.append(most)
            changed[most] = changed[:, most] = False
        if renewed:
            found = inner_products([momenta[i] for i in renewed], momenta)
            for i, row in zip(renewed, found, strict=True):
                products[i] = products[:, i] = row
            self.products.put(tasks, products)
            self.stamps.put(tasks, wanted)
        return products

    def _returned(self, found: Tensor, like: Tensor, idle: Sequence[slice]) -> Tensor:
        """Returns the direction, or the gradient whose average it is."""
        if self.returns == "direction" or self.beta == 0:
            return found
        (last,) = self.last.rows(DIRECTION, like)
        for columns in idle:
            found[columns] = last[columns]  # what nobody moves does not pull back later
        self.last.keep(DIRECTION, [found])
        now = (1 - self.beta**self.steps) / (1 - self.beta)
        before = self.beta * (1 - self.beta ** (self.steps - 1)) / (1 - self.beta)
        return (found * now).sub_(last, alpha=before)


def _check_method(method: Any) -> None:
    """Raises `ConfigError` for a method that reads more than one row of each task."""
    name = type(method).__name__
    if isinstance(method, InTurnBalancer):
        raise ConfigError(f"`method` must not be {name} itself. Give the method inside of it.")
    groups = getattr(method, "groups", "whole")
    if method.batches > 1 or method.at != "parameters" or groups != "whole":
        raise ConfigError(
            f"`method` must read one gradient of each task, at all shared parameters; {name} reads "
            "those of several batches, of groups or of the last layer. Use another method or "
            "options, such as groups='whole'."
        )
