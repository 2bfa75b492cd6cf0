"""`plait.backward`, the one-line form."""

import pytest
import torch
from torch import nn

from plait.balancing import (
    UPGrad,
)
from plait.engine import backward
from plait.engine.one_line import _memories
from tests.engine.small import losses_at, small


def test_the_one_line_form_keeps_one_memory_for_each_balancer() -> None:
    """What a balancer's earlier steps have shown stays known; another balancer starts anew."""
    p = nn.Parameter(torch.tensor([3.0, 4.0]))
    one, two = UPGrad(), UPGrad()
    backward({"a": p.sum(), "b": p[0] * 1.0}, one)
    assert backward({"a": p.square().sum()}, one).norms == pytest.approx([10.0])
    assert backward({"a": p.square().sum()}, two).norms == pytest.approx([0.0])
    assert _memories[one] is not _memories[two]


def test_the_one_line_form_takes_named_parameters_too() -> None:
    model, _ = small()
    x, balancer = torch.randn(6, 5), UPGrad()
    weight, bias = model["trunk"].parameters()
    for shared in ([weight], [weight], [bias], [weight, bias]):
        for _ in range(2):
            losses = losses_at(model, x)
            rows = torch.stack(
                [
                    torch.cat(
                        [g.flatten() for g in torch.autograd.grad(loss, shared, retain_graph=True)]
                    )
                    for loss in losses.values()
                ]
            )
            record = backward(losses, balancer, shared=shared)
            assert record.norms == pytest.approx(rows.norm(dim=1).numpy(), rel=1e-5)
    assert _memories[balancer].rows.layout.width == 24
