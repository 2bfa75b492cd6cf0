"""The slow, obvious way to the balanced gradient, which the engine has to agree with."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from plait.balancing import (
    Balancer,
    GramianBalancer,
    Info,
    JacobianBalancer,
    LossBalancer,
)

Gradients = dict[int, Tensor]  # by the parameter's id; a parameter that is not reached is not in it


class Slow:
    """Differentiates every task with respect to everything, and keeps who has reached what.

    Args:
        balancer: its own; a second one serves the engine.
        parameters: every parameter, the frozen and the unused ones included.
        scale: as for `Backward`.
        head_weights: as for `Backward`.
    """

    def __init__(
        self,
        balancer: Balancer,
        parameters: Iterable[Tensor],
        *,
        scale: str = "sum",
        head_weights: str = "auto",
    ) -> None:
        self.balancer = balancer
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.scale = scale
        self.head_weights = head_weights
        self.tasks_at: dict[int, set[str]] = {id(p): set() for p in self.parameters}
        self.shared: list[Tensor] = []  # new ones at the end, as row methods ask for

    def __call__(self, losses: Mapping[str, Tensor]) -> Gradients:
        """Returns what a step adds to `.grad`; keeps the graph."""
        tasks, by_task = tuple(losses), {}
        for task, loss in losses.items():
            found = torch.autograd.grad(loss, self.parameters, retain_graph=True, allow_unused=True)
            by_task[task] = {
                id(p): g.to_dense().double()
                for p, g in zip(self.parameters, found, strict=True)
                if g is not None
            }
            for key in by_task[task]:
                self.tasks_at[key].add(task)
        known = {id(p) for p in self.shared}
        self.shared += [
            p for p in self.parameters if len(self.tasks_at[id(p)]) > 1 and id(p) not in known
        ]
        shared = self.shared
        rows = torch.stack(
            [
                torch.cat(
                    [torch.zeros(0).double()]
                    + [
                        by_task[t].get(id(p), torch.zeros_like(p)).flatten().double()
                        for p in shared
                    ]
                )
                for t in tasks
            ]
        )
        weights, direction = self._balance(rows, losses)

        total: Gradients = {}
        split = direction.split([p.numel() for p in shared]) if shared else ()
        for p, piece in zip(shared, split, strict=True):
            if any(id(p) in gradients for gradients in by_task.values()):
                total[id(p)] = piece.reshape(p.shape)
        for task, gradients in by_task.items():
            for key, gradient in gradients.items():
                if len(self.tasks_at[key]) < 2:
                    total[key] = gradient * weights[task]
        return total

    def _balance(
        self, rows: Tensor, losses: Mapping[str, Tensor]
    ) -> tuple[dict[str, float], Tensor]:
        """Returns the weights of the heads, and the direction at the shared parameters."""
        balancer = self.balancer
        info = Info(tuple(losses), losses=torch.stack([x.detach() for x in losses.values()]))
        means = self.scale == "sum" and balancer.equal_weight == "mean"
        factor = len(losses) if means else 1
        by_task = isinstance(balancer, LossBalancer)
        if isinstance(balancer, JacobianBalancer):
            direction, weights = factor * balancer.combine(rows, info), torch.ones(len(rows))
        else:
            if isinstance(balancer, GramianBalancer):
                weights = factor * balancer.weights(rows @ rows.T, info)
            else:
                assert isinstance(balancer, LossBalancer)
                values = torch.stack([loss.detach() for loss in losses.values()]).requires_grad_()
                weights = factor * torch.autograd.grad(balancer.objective(values, info), values)[0]
            direction = weights.double() @ rows
        if self.head_weights == "unit" or (self.head_weights == "auto" and not by_task):
            weights = torch.ones(len(rows))
        return dict(zip(losses, weights.tolist(), strict=True)), direction


def gradients_of(parameters: Iterable[Tensor]) -> Gradients:
    """What is in `.grad` now."""
    return {id(p): p.grad.to_dense().clone() for p in parameters if p.grad is not None}


def assert_close(found: Gradients, expected: Gradients, *, tolerance: float = 1e-5) -> None:
    """Both reach the same parameters, and agree relative to the largest entry."""
    assert found.keys() == expected.keys()
    size = max([1e-12, *(float(g.abs().max()) for g in expected.values() if g.numel())])
    for key, gradient in found.items():
        error = (gradient.double() - expected[key].double()).abs()
        assert (error <= tolerance * size).all()
