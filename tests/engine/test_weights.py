"""The bound on the gradient holds, so that a step within it needs no second look."""

from typing import Any

import pytest
import torch

from plait.balancing import Balancer, GradVac, MoDo, NashMTL, PCGrad, UPGrad
from plait.core.exponents import LONG as LIMIT
from plait.engine import Backward
from plait.engine.gathered import Gathered
from tests.engine.loops import Net


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize(
    ("balancer", "options"),
    [
        (UPGrad(), {"route": "rows"}),
        (NashMTL(), {"route": "layers"}),
        (PCGrad(), {"route": "rows"}),
        (GradVac(groups="matrix", beta=0.0), {}),
        (MoDo(gamma=3.0), {}),
    ],
)
def test_no_gradient_is_longer_than_its_bound(
    balancer: Balancer, options: dict[str, Any], head_weights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Gathered] = []
    note = Gathered.note

    def noted(self: Gathered, *given: Any) -> None:
        seen.append(self)
        note(self, *given)

    monkeypatch.setattr(Gathered, "note", noted)
    for seed in range(5):
        torch.manual_seed(seed)
        net = Net()
        scale = 10.0 ** (3 * seed - 6)
        batches = [
            {task: scale * loss for task, loss in net.losses().items()}
            for _ in range(balancer.batches)
        ]
        penalty = scale * net.trunk[0].weight.square().sum()
        Backward(balancer, net, head_weights=head_weights, **options)(batches, penalty)
        total = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
        assert total.norm() <= seen[-1].bound < LIMIT
