"""Slow, obvious pieces that the ways of the engine are compared with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.balancing import Balancer, CrossGramianBalancer, GramianBalancer, Info
from tests.gradients.nets import Losses, heads, losses_of

Gradients = dict[int, Tensor]


class Net(nn.Module):
    """A trunk of two layers and three heads, in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4))
        self.heads = heads(4, "abc")
        self.double()

    def losses(self, tasks: str = "abc", rows: int = 6) -> Losses:
        x = torch.randn(rows, 5, dtype=torch.float64)
        found = losses_of(self.trunk(x).tanh(), self.heads)
        return {task: found[task] for task in tasks}

    def upper(self, tasks: str = "abc") -> list[Tensor]:
        return [p for task in tasks for p in self.heads[task].parameters()]

    def lower(self) -> list[Tensor]:
        return list(self.trunk.parameters())


def together(*parts: tuple[float, Gradients]) -> Gradients:
    """The sum of gradients, each by its factor."""
    total: Gradients = {}
    for factor, gradients in parts:
        for key, gradient in gradients.items():
            total[key] = total.get(key, 0) + factor * gradient
    return total


def rows_of(losses: Losses, tensors: Sequence[Tensor]) -> Tensor:
    """J `[T, P]` in float64: the gradient of each loss at all tensors; zero where not reached."""
    rows = []
    for loss in losses.values():
        found = torch.autograd.grad(loss, tensors, retain_graph=True, allow_unused=True)
        pairs = zip(found, tensors, strict=True)
        dense = [torch.zeros_like(t) if g is None else g.to_dense() for g, t in pairs]
        rows.append(torch.cat([g.flatten().double() for g in dense]))
    return torch.stack(rows)


def weighted(
    losses: Losses, tensors: Sequence[Tensor], weights: Iterable[float] | None = None
) -> Gradients:
    """The gradient of the weighted sum at each tensor that is reached; 1 by default."""
    factors = [1.0] * len(losses) if weights is None else [float(weight) for weight in weights]
    total: Gradients = {}
    for factor, loss in zip(factors, losses.values(), strict=True):
        found = torch.autograd.grad(loss, tensors, retain_graph=True, allow_unused=True)
        for tensor, gradient in zip(tensors, found, strict=True):
            if gradient is not None:
                total[id(tensor)] = total.get(id(tensor), 0) + factor * gradient.to_dense()
    return total


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """New modules and random tensors have this dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def count_passes(tensor: Tensor, passes: list[int]) -> Tensor:
    """Notes each backward pass that goes through a tensor."""
    tensor.register_hook(lambda gradient: passes.append(1))
    return tensor


def given(method: Callable[[Tensor], Any], base: type[Balancer], **attributes: Any) -> Any:
    """A Gramian method with the weights `method(gramian)`, which notes what it was given."""

    def solve(
        self: Any, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        self.seen.append((info.tasks, gramian))
        return np.asarray(method(torch.from_numpy(gramian)), dtype=float)

    made = type("Given", (base,), {"solve": solve, **attributes})()
    made.seen = []
    return made


def failing(base: type[GramianBalancer] = GramianBalancer, **attributes: Any) -> Balancer:
    """A Gramian method without a solution."""

    def method(gramian: Tensor) -> Any:
        raise ArithmeticError("no solution")

    made: Balancer = given(method, base, **attributes)
    return made


FAILING: dict[str, tuple[Callable[[], Balancer], dict[str, Any]]] = {
    "rows": (failing, {"route": "rows"}),
    "layers": (failing, {"route": "layers"}),
    "chunks": (failing, {"route": "rows", "chunk_size": 3}),
    "features": (failing, {"at": "features"}),
    "last layer": (lambda: failing(at="last layer"), {}),
    "groups": (lambda: failing(groups="matrix"), {}),
    "two batches": (lambda: failing(CrossGramianBalancer), {}),
    "three batches": (
        lambda: failing(CrossGramianBalancer, batches=3, applied=(0.0, 0.0, 1.0)),
        {},
    ),
}
