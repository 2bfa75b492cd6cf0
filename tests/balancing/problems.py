"""A bilevel problem small enough to check by hand, with an optimizer of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Data = Mapping[str, Any]


def names(tasks: int) -> tuple[str, ...]:
    return tuple(f"task {i}" for i in range(tasks))


def random_data(tasks: int, parameters: int = 4, *, seed: int = 0) -> tuple[Data, Data]:
    """Training and validation data that are alike, as two samples of one source are."""
    generator = torch.Generator().manual_seed(seed)
    matrices = torch.randn(tasks, 5, parameters, generator=generator).double() / 2
    targets = torch.randn(tasks, 5, generator=generator).double()
    noise = torch.randn(matrices.shape, generator=generator).double() / 10
    return {"A": matrices, "b": targets}, {"A": matrices + noise, "b": targets}


class Quadratic:
    """``L_i(theta) = |A_i theta - b_i|^2 / 2`` on training and validation data; SGD.

    Args:
        train: `A` `[T, N, P]` and `b` `[T, N]`.
        val: the same.
        theta: where the parameters start.
        lr: learning rate of SGD.
        momentum: of SGD.
        weight_decay: of SGD.
        tasks: their names.
    """

    def __init__(
        self,
        train: Data,
        val: Data,
        theta: Any,
        *,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        tasks: Sequence[str] | None = None,
    ) -> None:
        self.data = {
            key: (torch.as_tensor(each["A"]).double(), torch.as_tensor(each["b"]).double())
            for key, each in (("train", train), ("val", val))
        }
        self.tasks = tuple(tasks or names(len(self.data["train"][0])))
        self.theta = torch.nn.Parameter(torch.as_tensor(theta).double())
        self.momentum, self.weight_decay, self.lr = momentum, weight_decay, lr
        self.buffer = torch.zeros_like(self.theta.detach())
        self.calls = {"train": 0, "val": 0}

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        return (self.theta,)

    def train(self, parameters: Sequence[Tensor]) -> Tensor:
        return self._losses("train", parameters)

    def val(self, parameters: Sequence[Tensor]) -> Tensor:
        return self._losses("val", parameters)

    @torch.no_grad()
    def virtual_step(
        self, parameters: Sequence[Tensor], gradient: Sequence[Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        new, _ = self.stepped(parameters[0], gradient[0])
        return (new,), (torch.full_like(new, -self.lr),)

    @torch.no_grad()
    def step(self, train: Tensor, val: Tensor | None = None) -> None:
        """Takes the step that a balancer's weights ask for."""
        with torch.enable_grad():
            objective = train @ self.train(self.parameters)
            if val is not None:
                objective = objective + val @ self.val(self.parameters)
        (gradient,) = torch.autograd.grad(objective, self.theta)
        new, self.buffer = self.stepped(self.theta, gradient)
        self.theta.copy_(new)

    def slopes(self, key: str) -> Tensor:
        """Returns the gradients of the "train" or "val" losses at theta, `[T, P]`."""
        matrices, targets = self.data[key]
        residuals = matrices @ self.theta.detach() - targets
        return (matrices.mT @ residuals[..., None])[..., 0]

    def _losses(self, key: str, parameters: Sequence[Tensor]) -> Tensor:
        self.calls[key] += 1
        matrices, targets = self.data[key]
        return (matrices @ parameters[0] - targets).square().sum(dim=1) / 2

    def stepped(self, theta: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        buffer = self.momentum * self.buffer + gradient + self.weight_decay * theta
        return theta - self.lr * buffer, buffer
