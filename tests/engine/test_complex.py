"""Complex parameters: the step is that of the same model in real and imaginary parts."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import plait.balancing
from plait.balancing import Balancer, BilevelBalancer, Info, LossBalancer
from plait.engine import Backward, Record

METHODS = [
    name
    for name in plait.balancing.__all__
    if isinstance(method := getattr(plait.balancing, name), type)
    and issubclass(method, Balancer)
    and not issubclass(method, LossBalancer | BilevelBalancer)
    and not method.__abstractmethods__
    and method().batches == 1
]


class Body(nn.Module):
    """A mixing of complex modes between real layers, in which an odd number comes first."""

    def __init__(self, *, real: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        start = torch.randn(3, 3, 2, dtype=torch.float64)
        self.shift = nn.Parameter(torch.randn(1, dtype=torch.float64))
        self.mix = nn.Parameter(start if real else torch.view_as_complex(start))
        self.out = nn.Parameter(torch.randn(3, 3, dtype=torch.float64))

    def features(self) -> Tensor:
        x = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).double() + self.shift
        mix = self.mix if self.mix.is_complex() else torch.view_as_complex(self.mix)
        return (x.to(mix.dtype) @ mix).abs()

    def losses(self, features: Tensor) -> dict[str, Tensor]:
        return {
            task: (features @ row - number).square().mean()
            for number, (task, row) in enumerate(zip("abc", self.out, strict=True))
        }


def step(name: str, *, real: bool, **options: Any) -> tuple[Record, dict[str, Tensor]]:
    body, balancer = Body(real=real), getattr(plait.balancing, name)()
    balancer.setup(tuple("abc"))
    run = Backward(balancer, body, **options)
    record = run(body.losses(body.features()), info=Info(epoch=0))
    found = {n: p.grad for n, p in body.named_parameters() if p.grad is not None}
    return record, {n: torch.view_as_real(g) if g.is_complex() else g for n, g in found.items()}


def assert_same(name: str, **options: Any) -> None:
    (found, gradients), (right, expected) = (
        step(name, real=real, **options) for real in (False, True)
    )
    for one, other in ((found.weights, right.weights), (found.norms, right.norms)):
        if other is not None:
            np.testing.assert_allclose(one, other, rtol=1e-7)
    assert gradients.keys() == expected.keys()
    for key, gradient in expected.items():
        torch.testing.assert_close(gradients[key], gradient)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_uses_real_inner_products(name: str) -> None:
    assert_same(name)


@pytest.mark.parametrize("route", ["rows", "layers"])
def test_every_route_uses_real_inner_products(route: str) -> None:
    assert_same("UPGrad", route=route)


@pytest.mark.parametrize("name", ["Equal", "UPGrad"])
def test_the_length_of_the_gradient_counts_both_parts(name: str) -> None:
    body = Body(real=False)
    record = Backward(getattr(plait.balancing, name)(), body)(body.losses(body.features()))
    parts = [p.grad for p in body.parameters() if p.grad is not None]
    length = torch.cat(
        [torch.view_as_real(g).flatten() if g.is_complex() else g.flatten() for g in parts]
    ).norm()
    torch.testing.assert_close(record.gradient_norm(list(body.parameters())), length)
