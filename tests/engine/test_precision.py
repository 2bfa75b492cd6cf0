"""Balancing under autocast is balancing without it."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import plait
from plait.balancing import Equal, PCGrad, UPGrad
from plait.balancing.base import Balancer
from plait.engine.precision import full_precision

WAYS = [
    *((make, {"route": "rows"}) for make in (UPGrad, PCGrad)),
    *((UPGrad, {"route": "layers"}), (UPGrad, {"at": "features"}), (Equal, {})),
]


def step(balancer: Balancer, options: dict[str, Any], inside: bool) -> tuple[list[Tensor], Any]:
    """Balances two tasks that nearly oppose each other, inside of autocast or after it."""
    torch.manual_seed(0)
    trunk, heads = nn.Linear(8, 64), [nn.Linear(64, 1), nn.Linear(64, 1)]
    heads[1].load_state_dict(heads[0].state_dict())
    backward = plait.Backward(balancer, nn.ModuleList([trunk, *heads]), **options)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16)
    with autocast:
        features = trunk(torch.randn(32, 8))
        one, other = (head(features.tanh()).float() for head in heads)
        losses = {"a": one.mean(), "b": (0.1 * other.square() - other).mean()}
    with autocast if inside else nullcontext():
        record = backward(losses, features=features if "at" in options else None)
    return [p.grad for p in trunk.parameters() if p.grad is not None], record


@pytest.mark.parametrize(("make", "options"), WAYS)
def test_the_step_is_the_one_without_autocast(
    make: type[Balancer], options: dict[str, Any]
) -> None:
    (found, here), (wanted, there) = (step(make(), options, inside) for inside in (True, False))
    assert len(found) == len(wanted) == 2
    for mine, other in zip(found, wanted, strict=True):
        assert mine.dtype == torch.float32
        assert torch.equal(mine, other)
    if there.weights is not None:
        assert here.weights.tolist() == there.weights.tolist()


def test_autocast_is_on_again_after_it() -> None:
    calls: list[bool] = []
    with torch.autocast("cpu", dtype=torch.bfloat16):
        full_precision(lambda: calls.append(torch.is_autocast_enabled("cpu")))()
        assert torch.is_autocast_enabled("cpu")
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    assert calls == [False]
