"""A small model of three tasks, and every method new and at rest, for the tests of the engine."""

from typing import Any

import torch
from torch import Tensor, nn

import plait.balancing
from plait.balancing import (
    Balancer,
    Info,
    JacobianBalancer,
)
from tests.gradients.nets import Losses, heads, losses_of

METHODS = ["Equal", "PCGrad", "UPGrad", "UncertaintyWeights"]  # of each kind; contract tests: all


class Agreement(JacobianBalancer):
    """Adds up the rows in the coordinates in which all of them have one sign."""

    def combine(self, jacobian: Tensor, info: Info | None = None) -> Tensor:
        signs = jacobian.sign()
        return jacobian.sum(dim=0) * (signs == signs[0]).all(dim=0)


class MeanAgreement(Agreement):
    equal_weight = "mean"

    def combine(self, jacobian: Tensor, info: Info | None = None) -> Tensor:
        return super().combine(jacobian, info) / len(jacobian)


def new(name: str, tasks: Any = ("a", "b", "c")) -> Balancer:
    balancer: Balancer = getattr(plait.balancing, name)()
    balancer.setup(tuple(tasks))
    return balancer


def settle(balancer: Balancer, losses: Losses) -> None:
    """Ends a step, after which a method may read the losses again."""
    balancer.after_step(lambda: {task: loss.detach() for task, loss in losses.items()})


def small(
    tasks: str = "abc", dtype: torch.dtype = torch.float32
) -> tuple[nn.Module, nn.ModuleDict]:
    model = nn.ModuleDict({"trunk": nn.Linear(5, 4), "heads": heads(4, tasks)}).to(dtype)
    found = model["heads"]
    assert isinstance(found, nn.ModuleDict)
    return model, found


def losses_at(model: Any, x: Tensor) -> Losses:
    return losses_of(torch.tanh(model["trunk"](x)), model["heads"])
