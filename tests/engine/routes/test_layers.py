"""The route by layers gives what the route by rows gives, and is taken where it is cheaper."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import plait.balancing
from plait.balancing import Balancer, Info, UPGrad
from plait.core.lookup import names
from plait.engine import Backward, backward
from plait.engine.options import reads_one_gramian
from plait.engine.routes import layers
from plait.gradients import LayerPlan
from tests.engine.loops import (
    default_dtype,
)
from tests.gradients.nets import NETS, Losses, heads, losses_of

WHOLE = [
    name
    for name in names(plait.balancing, Balancer)
    if reads_one_gramian(getattr(plait.balancing, name)())
]


def on_route(build: str, name: str, route: Any, **options: Any) -> tuple[Any, list[Tensor | None]]:
    torch.manual_seed(0)
    parameters, make_losses = NETS[build]()
    balancer = getattr(plait.balancing, name)()
    record = Backward(balancer, route=route, **options)(make_losses(), info=Info(epoch=0))
    return record, [None if p.grad is None else p.grad.to_dense() for p in parameters]


def assert_same(found: Any, expected: Any, tolerance: float) -> None:
    np.testing.assert_allclose(found[0].norms, expected[0].norms, rtol=tolerance, atol=1e-12)
    np.testing.assert_allclose(found[0].cosines, expected[0].cosines, atol=tolerance)
    np.testing.assert_allclose(found[0].weights, expected[0].weights, rtol=10 * tolerance)
    for one, two in zip(found[1], expected[1], strict=True):
        assert (one is None) == (two is None)
        if one is not None:
            torch.testing.assert_close(one, two, rtol=10 * tolerance, atol=10 * tolerance)


def test_there_are_methods_of_one_gramian() -> None:
    assert {"UPGrad", "MGDA", "PCGrad", "CAGrad", "NashMTL"} <= set(WHOLE)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("build", ["one_trunk", "parameters_of_a_part_of_the_tasks", "lstm"])
def test_layers_give_each_method_what_rows_give_it(build: str, name: str) -> None:
    with default_dtype(torch.float64):
        expected = on_route(build, name, "rows")
        assert_same(on_route(build, name, "layers"), expected, 1e-8)


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("route", ["layers", "auto"])
@pytest.mark.parametrize("build", NETS)
def test_every_net_has_the_same_gradient_on_every_route(
    build: str, route: Any, head_weights: Any
) -> None:
    with default_dtype(torch.float64):
        expected = on_route(build, "UPGrad", "rows", head_weights=head_weights)
        found = on_route(build, "UPGrad", route, head_weights=head_weights)
    # Where a loss is bfloat16, autograd wants its weight in that precision
    assert_same(found, expected, 1e-3 if build == "autocast" else 1e-8)


@pytest.mark.parametrize("cheaper", [True, False])
@pytest.mark.parametrize(("route", "taken"), [("auto", None), ("layers", True), ("rows", False)])
def test_the_route_is_taken_by_what_is_cheaper(
    monkeypatch: pytest.MonkeyPatch, cheaper: bool, route: Any, taken: bool | None
) -> None:
    ran: list[LayerPlan] = []
    run = LayerPlan.run

    def watched(self: LayerPlan, *given: Any) -> Any:
        ran.append(self)
        return run(self, *given)

    monkeypatch.setattr(LayerPlan, "run", watched)
    monkeypatch.setattr(LayerPlan, "is_cheaper", property(lambda self: cheaper))
    monkeypatch.setattr(layers, "SMALL", 0)
    on_route("one_trunk", "UPGrad", route)
    assert len(ran) == (cheaper if taken is None else taken)


@pytest.mark.parametrize(("route", "planned"), [("auto", False), ("layers", True)])
def test_a_few_numbers_need_no_plan(
    monkeypatch: pytest.MonkeyPatch, route: Any, planned: bool
) -> None:
    made: list[object] = []
    of = LayerPlan.of
    monkeypatch.setattr(LayerPlan, "of", lambda *given: made.append(given) or of(*given))
    on_route("one_trunk", "UPGrad", route)
    assert bool(made) == planned


def test_each_route_is_the_cheaper_one_somewhere() -> None:
    """A wide layer with few examples, and a small one with many."""

    def plan(width: int, examples: int) -> LayerPlan:
        trunk, two = nn.Linear(width, width), heads(width)
        losses = losses_of(trunk(torch.randn(examples, width)), two)
        return LayerPlan.of(losses, list(trunk.parameters()), list(two.parameters()))

    assert plan(200, 2).is_cheaper
    assert not plan(3, 500).is_cheaper


def test_convolutions_of_few_pixels_have_the_same_gradient_by_layers() -> None:
    def losses(trunk: nn.Module, two: nn.ModuleDict, x: Tensor) -> Losses:
        return losses_of(F.relu(trunk(x)), two)

    trunk, two = nn.Conv2d(8, 6, 3).double(), heads(6).double()
    x = torch.randn(2, 8, 3, 3, dtype=torch.float64)
    found = []
    for route in ("rows", "layers"):
        twins = copy.deepcopy((trunk, two))
        record = backward(losses(*twins, x), UPGrad(), route=route)
        found.append((record, [p.grad for module in twins for p in module.parameters()]))
    assert_same(found[1], found[0], 1e-9)


def test_a_root_that_fails_costs_a_second_look_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with default_dtype(torch.float64):
        expected = on_route("one_trunk", "UPGrad", "rows")

        def failing(matrix: Tensor) -> tuple[Tensor, Tensor]:
            return torch.zeros_like(matrix), torch.tensor(1)

        monkeypatch.setattr(torch.linalg, "cholesky_ex", failing)
        assert_same(on_route("one_trunk", "UPGrad", "layers"), expected, 1e-8)
