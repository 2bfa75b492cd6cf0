"""Gradients of any size that single precision holds: the step is that of double precision."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import plait.balancing
from plait.balancing import GramianBalancer, Info, PCGrad, UPGrad
from plait.engine import Backward, Record
from tests.gradients.nets import Losses

ONE_BATCH = [
    name
    for name in plait.balancing.__all__
    if isinstance(method := getattr(plait.balancing, name), type)
    and issubclass(method, GramianBalancer)
    and not method.__abstractmethods__
    and method().batches == 1
]
SIZES = [(1e-25,) * 3, (1e-40, 3e-42, 1e-41), (1e25,) * 3, (1e36, 2e36, 5e35), (1e20, 1e-25, 1.0)]


class Body(nn.Module):
    """Three tasks whose gradients have given sizes, exactly."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one = nn.Parameter(torch.randn(5, 4).to(dtype))
        self.two = nn.Parameter(torch.randn(7).to(dtype))
        self.heads = nn.ParameterList(torch.ones((), dtype=dtype) for _ in range(3))
        self.slopes = torch.randn(3, 27)

    def losses(self, sizes: tuple[float, ...]) -> Losses:
        """Returns positive losses whose gradients are these sizes times random numbers."""
        flat = torch.cat([self.one.flatten(), self.two])
        slopes = [(size * slope).to(flat) for size, slope in zip(sizes, self.slopes, strict=True)]
        return {
            task: 1.0 + (flat - flat.detach()) @ slope + head - head
            for task, slope, head in zip("abc", slopes, self.heads, strict=True)
        }


def step(
    dtype: torch.dtype, make: Any, sizes: tuple[float, ...], **options: Any
) -> tuple[Record, np.ndarray]:
    body, balancer = Body(dtype), make()
    balancer.setup(tuple("abc"))
    record = Backward(balancer, body, **options)(body.losses(sizes), info=Info(epoch=0))
    gradients = [p.grad for p in (body.one, body.two) if p.grad is not None]
    return record, torch.cat([each.double().flatten() for each in gradients]).numpy()


@pytest.mark.parametrize("route", ["rows", "layers"])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("make", [UPGrad, PCGrad])
def test_norms_cosines_weights_and_direction_are_those_of_double_precision(
    make: Any, sizes: tuple[float, ...], route: str
) -> None:
    right, expected = step(torch.float64, make, sizes, route=route)
    found, direction = step(torch.float32, make, sizes, route=route)
    tolerance = 1e-2 if min(sizes) < 1e-38 else 1e-5  # subnormal numbers have fewer digits
    for one, other in ((found.norms, right.norms), (found.weights, right.weights)):
        np.testing.assert_allclose(one, other, rtol=tolerance)
    np.testing.assert_allclose(found.cosines, right.cosines, atol=tolerance)
    assert abs(direction - expected).max() <= tolerance * abs(expected).max()


@pytest.mark.parametrize("size", [1e-25, 1e25])
@pytest.mark.parametrize("name", ONE_BATCH)
def test_every_gramian_method_steps_as_in_double_precision(name: str, size: float) -> None:
    make = getattr(plait.balancing, name)
    sizes = (size, 2 * size, size / 2)
    right, expected = step(torch.float64, make, sizes)
    found, direction = step(torch.float32, make, sizes)
    assert found.weights is not None and right.weights is not None
    np.testing.assert_allclose(found.weights, right.weights, rtol=1e-4, atol=1e-30)
    assert abs(direction - expected).max() <= 1e-4 * abs(expected).max()


@pytest.mark.parametrize("size", [1e-20, 1e21])
@pytest.mark.parametrize("name", ["DBMTL", "TrimmedMean", "GradDrop"])
def test_methods_of_rows_step_as_in_double_precision(name: str, size: float) -> None:
    make = getattr(plait.balancing, name)
    if name == "DBMTL":
        make = partial(make, eps=1e-30)  # the default is larger than such lengths
    sizes = (size, 2 * size, size / 2)
    _, expected = step(torch.float64, make, sizes)
    _, direction = step(torch.float32, make, sizes)
    assert abs(direction - expected).max() <= 1e-4 * abs(expected).max()


@pytest.mark.parametrize("name", ["MoCo", "ExcessMTL"])
def test_methods_of_rows_with_memory_hold_large_squares(name: str) -> None:
    results = []
    for dtype in (torch.float64, torch.float32):
        body, balancer = Body(dtype), getattr(plait.balancing, name)()
        balancer.setup(tuple("abc"))
        run = Backward(balancer, body)
        for _ in range(3):
            body.zero_grad()
            run(body.losses((1e21, 3e21, 2e21)))
        assert body.one.grad is not None
        results.append(body.one.grad.double() / 1e21)
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["Equal", "UPGrad"])
@pytest.mark.parametrize("size", [1e-30, 1e25])
def test_the_length_of_the_gradient_is_exact_and_clips(name: str, size: float) -> None:
    body = Body(torch.float32)
    balancer = getattr(plait.balancing, name)()
    record = Backward(balancer, body)(body.losses((size, 2 * size, size)))
    parameters = [p for p in body.parameters() if p.grad is not None]
    length = torch.cat([p.grad.double().flatten() for p in parameters if p.grad is not None]).norm()
    found = record.gradient_norm(parameters)
    torch.testing.assert_close(found.double(), length, rtol=1e-6, atol=0.0)
    torch.nn.utils.clip_grads_with_norm_(parameters, 1.0, found)
    clipped = torch.cat([p.grad.double().flatten() for p in parameters if p.grad is not None])
    expected = min(1.0, float(length))
    torch.testing.assert_close(clipped.norm().item(), expected, rtol=1e-5, atol=0.0)
