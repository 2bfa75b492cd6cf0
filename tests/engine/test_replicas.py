"""What is agreed on: tasks in one order, shares of labels, one layout; and what is not finite."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import plait
from plait.balancing import Equal, PCGrad, UPGrad
from plait.core.errors import NonFiniteError
from plait.distributed import ranks
from plait.engine.replicas import Replicas
from plait.engine.wholes import wholes_of
from plait.gradients import Layout
from tests.distributed.group import Group


def agreed() -> Any:
    here, names = ranks(), ["a"]
    mine = [{"c": 1.0, "a": 3.0}, {"c": 2.0}] if here.rank else [{"b": 2.0, "a": 1.0}]
    weights = [nn.Parameter(torch.ones(1)) for _ in range(3)]
    wholes = wholes_of(here, names, [mine, []])
    step = Replicas(here, names, [mine, []], wholes, weights)
    first, second, third = weights
    losses = {"c": (first * third).sum()} if here.rank else {"b": (first * second).sum()}
    layout = Layout()
    step.meet(losses, layout)
    step.sum(layout)  # the process with one micro-batch takes part in the second exchange
    shared = [place for place, each in enumerate(weights) if each in layout]
    return names, step.tasks, step.shares, step.accumulated, shared


def test_tasks_shares_and_columns_are_agreed_on(two: Group) -> None:
    first, second = two(agreed)
    assert first[0] == second[0] == ["a", "b", "c"]
    assert first[1] == second[1] == [("a", "b", "c"), ()]
    assert first[2] == [{"a": 0.25, "b": 1.0, "c": 0.0}, {}]
    assert second[2] == [{"a": 0.75, "b": 0.0, "c": 1.0}, {}]
    assert first[3] and second[3]
    assert first[4] == second[4] == [0], "two tasks reach it, each in a process of its own"


def mean_of_processes(counts: Any) -> Tensor:
    weight = nn.Linear(1, 1, bias=False)
    loss = (ranks().rank + 1.0) * weight.weight.sum()
    plait.backward({"a": loss}, Equal(), model=weight, counts=counts and counts[ranks().rank])
    assert weight.weight.grad is not None
    return weight.weight.grad


@pytest.mark.parametrize(
    ("counts", "wanted"), [(None, 1.5), (({"a": 3.0}, {"a": 1.0}), 1.25), (({"a": 0}, {"a": 2}), 2)]
)
def test_losses_count_by_their_labels(two: Group, counts: Any, wanted: float) -> None:
    assert [float(each) for each in two(mean_of_processes, counts)] == [wanted, wanted]


def not_finite(name: str, where: str) -> tuple[str, str | None]:
    """One process has what is not finite; both tell of it, and nothing is written."""
    net = nn.Linear(2, 2)
    x = torch.ones(3, 2)
    broken = torch.tensor(float("nan") if ranks().rank == 1 else 1.0)
    z = net(x)
    losses = {"a": z[:, 0].sum(), "b": z[:, 1].sum() + z[:, 0].sum()}
    if where == "loss":
        losses["b"] = losses["b"] * broken
    else:
        z.register_hook(lambda gradient: gradient * broken)
    balancer = {"Equal": Equal, "UPGrad": UPGrad, "PCGrad": PCGrad}[name]()
    with pytest.raises(NonFiniteError) as told:
        plait.backward(losses, balancer, model=net)
    skipped = plait.backward(
        {task: loss + 0 * broken for task, loss in losses_again(net).items()},
        balancer,
        model=net,
        nonfinite="skip",
    )
    assert net.weight.grad is None
    return str(told.value), skipped.skipped


def losses_again(net: nn.Module) -> dict[str, Tensor]:
    z = net(torch.ones(3, 2))
    return {"a": z[:, 0].sum(), "b": z.sum()}


@pytest.mark.parametrize("where", ["loss", "gradient"])
@pytest.mark.parametrize("name", ["Equal", "UPGrad", "PCGrad"])
def test_all_tell_of_what_is_not_finite_in_one(two: Group, name: str, where: str) -> None:
    (first, skipped), (second, other) = two(not_finite, name, where)
    assert "not finite" in first or "nan" in first
    assert skipped is not None
    assert (first, skipped) == (second, other)
