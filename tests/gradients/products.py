"""The inner products of the tasks' gradients, from the slow, obvious loop."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from plait.gradients import LayerPlan, reached_by


def split(losses: Mapping[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The parameters that several tasks reach, and the others."""
    reached = reached_by(losses)
    shared = [parameter for parameter, tasks in reached if len(tasks) > 1]
    return shared, [parameter for parameter, tasks in reached if len(tasks) == 1]


def slow_products(losses: Mapping[str, Tensor], parameters: Sequence[Tensor]) -> Tensor:
    """Every gradient in full, in float64; keeps the graph."""
    rows = []
    for loss in losses.values():
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        pieces = [
            torch.zeros(p.numel()).double() if g is None else g.to_dense().flatten().double()
            for p, g in zip(parameters, found, strict=True)
        ]
        rows.append(torch.cat(pieces))
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


def assert_exact(losses: Mapping[str, Tensor], *, tolerance: float = 1e-5) -> LayerPlan:
    """The plan finds the products of the slow loop, relative to the norms; returns it."""
    shared, own = split(losses)
    plan = LayerPlan.of(losses, shared, own)
    expected = slow_products(losses, shared or own) * bool(shared)
    found = plan.run(losses)
    norms = expected.diagonal().sqrt()
    scale = torch.outer(norms, norms)
    assert found.multiply().dtype == torch.float64
    assert torch.equal(found.multiply(), found.multiply().T)
    assert ((found.multiply() - expected).abs() <= tolerance * scale).all()
    for parameter, task, gradient in found.own:
        (alone,) = torch.autograd.grad(losses[task], parameter, retain_graph=True)
        assert torch.equal(gradient.to_dense(), alone.to_dense())
    assert {id(parameter) for parameter, _, _ in found.own} == set(map(id, own))
    return plan
