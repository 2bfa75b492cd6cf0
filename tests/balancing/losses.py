"""What the tests of loss methods share: one step of a method, and random losses."""

from collections.abc import Sequence

import torch
from hypothesis import strategies as st
from torch import Tensor

from plait.balancing import Info, LossBalancer
from plait.balancing.contract.info import Reread

ZERO = torch.zeros((), dtype=torch.float64)


def names(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"task {position}" for position in range(len(values)))


def step(
    balancer: LossBalancer,
    values: Sequence[float],
    tasks: Sequence[str] = (),
    *,
    epoch: int = 0,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor]:
    """The objective and its gradient, which is the weights."""
    losses = torch.tensor(values, dtype=dtype, requires_grad=True)
    value = balancer.objective(losses, Info(tuple(tasks) or names(values), epoch=epoch))
    return value.detach(), torch.autograd.grad(value, losses)[0]


def weights_of(
    balancer: LossBalancer,
    values: Sequence[float],
    tasks: Sequence[str] = (),
    *,
    epoch: int = 0,
) -> list[float]:
    found: list[float] = step(balancer, values, tasks, epoch=epoch)[1].tolist()
    return found


def by_hand(balancer: LossBalancer, values: Sequence[float]) -> list[float]:
    """The weights in a call without `info`."""
    losses = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    found: list[float] = torch.autograd.grad(balancer.objective(losses), losses)[0].tolist()
    return found


def reading(values: Sequence[float], tasks: Sequence[str] = ()) -> Reread:
    """Gives these losses when they are read again."""
    losses = dict(
        zip(tasks or names(values), torch.tensor(values, dtype=torch.float64), strict=True)
    )
    return lambda: losses


def positive(low: float = -6, high: float = 6) -> st.SearchStrategy[float]:
    """Numbers from 10^low to 10^high."""
    return st.floats(low, high).map(lambda exponent: 10.0**exponent)


def loss_lists(min_tasks: int = 1, max_tasks: int = 6) -> st.SearchStrategy[list[float]]:
    return st.lists(positive(), min_size=min_tasks, max_size=max_tasks)
