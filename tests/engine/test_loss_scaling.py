"""`torch.amp.GradScaler`: an overflow costs one step, and the others are those without a scaler."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import plait
from plait.balancing import MGDA, CAGrad, Equal, GradDrop, UPGrad
from plait.core.errors import NonFiniteError
from plait.engine.loss_scaling import are_scaled, tell_overflow
from plait.networks.joined import Joined


class Loop:
    """A training of one's own, with a scaler or without."""

    def __init__(self, balancer: Any, scale: float | None) -> None:
        torch.manual_seed(0)
        self.trunk, self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 1)
        self.parameters = [p for m in (self.trunk, self.a, self.b) for p in m.parameters()]
        self.optimizer = torch.optim.SGD(self.parameters, lr=1e-3)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, enabled=bool(scale))
        self.balancer = balancer

    def losses(self, step: int) -> dict[str, Tensor]:
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        z = self.trunk(x).relu()
        found = {"a": 4 * (self.a(z) - 3).square().mean(), "b": 4 * (self.b(z) + 3).square().mean()}
        return {task: self.scaler.scale(loss) for task, loss in found.items()}

    def skip(self, step: int) -> bool:
        """Takes a step as without plait; returns whether it was left out."""
        self.optimizer.zero_grad()
        record = plait.backward(self.losses(step), self.balancer, nonfinite="skip")
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return record.skipped is not None

    def catch(self, step: int) -> bool:
        """Takes a step; an overflow is an error, after which the scale is lowered by hand."""
        self.optimizer.zero_grad()
        try:
            plait.backward(self.losses(step), self.balancer, nonfinite="raise")
        except NonFiniteError:
            assert all(parameter.grad is None for parameter in self.parameters)
            self.scaler.update(self.scaler.get_scale() * self.scaler.get_backoff_factor())
            return True
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return False


@pytest.mark.parametrize("way", ["skip", "catch"])
@pytest.mark.parametrize("make", [Equal, UPGrad, MGDA, CAGrad, GradDrop])
def test_an_overflow_costs_one_step_and_lowers_the_scale(make: Any, way: str) -> None:
    scaled, plain = Loop(make(), 2.0**127), Loop(make(), None)
    left_out = 0
    for step in range(90):
        before = scaled.scaler.get_scale()
        if getattr(scaled, way)(step):
            left_out += 1
            assert scaled.scaler.get_scale() == before / 2
        else:
            assert not plain.skip(step)
    assert 1 <= left_out < 80
    for found, expected in zip(scaled.parameters, plain.parameters, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_a_skipped_step_without_a_scaler_leaves_the_gradients_alone() -> None:
    w = torch.ones(3, requires_grad=True)
    w.grad = torch.full((3,), 2.0)
    record = plait.backward(
        {"a": w.sum() * 2.0, "b": w.sum() / 0.0}, Equal(), nonfinite="skip", shared=[w]
    )
    assert record.skipped is not None
    assert torch.equal(w.grad, torch.full((3,), 2.0))


def test_other_products_are_no_scaling() -> None:
    w, one, two = torch.ones((), requires_grad=True), torch.tensor(2.0), torch.tensor(2.0)
    learned = torch.tensor(2.0, requires_grad=True)
    assert are_scaled({"a": w.exp() * one, "b": w.sin() * one})
    assert not are_scaled({"a": w.exp() * one, "b": w.sin() * two})
    assert not are_scaled({"a": w.exp() * one, "b": w.sin()})
    assert not are_scaled({"a": w.exp() * learned, "b": w.sin() * learned})
    assert not are_scaled({"a": w})
    assert not are_scaled({})


def test_joined_parameters_tell_of_an_overflow_in_their_whole() -> None:
    parts = {task: nn.Parameter(torch.ones(2)) for task in "ab"}
    made, other = Joined(parts), nn.Parameter(torch.ones(2))
    tell_overflow([*parts.values(), other])
    for each in (made.whole, other):
        assert each.grad is not None and each.grad.isnan().all()
    assert all(part.grad is None for part in parts.values())
