"""The record of a call."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from plait.balancing import (
    Equal,
    UPGrad,
)
from plait.engine import Backward, backward
from tests.engine.small import METHODS, losses_at, new, settle, small
from tests.gradients.slow import assert_close, gradients_of


def test_the_record_says_what_happened() -> None:
    w = nn.Parameter(torch.tensor([1.0, 0.0]))
    head = nn.Parameter(torch.tensor(1.0))
    record = backward({"a": 2 * w[0], "b": w[1] - w[0] + head}, UPGrad())
    assert record.tasks == ("a", "b")
    assert record.losses.tolist() == [2.0, 0.0]
    assert record.passes == "T, a row of gradients for each task"
    assert record.weights is not None and record.norms is not None and record.cosines is not None
    assert record.weights.tolist() == pytest.approx([1.5, 2.0])
    assert record.norms.tolist() == pytest.approx([2.0, math.sqrt(2)])
    np.testing.assert_allclose(record.cosines, [[1, -math.sqrt(0.5)], [-math.sqrt(0.5), 1]])
    assert w.grad is not None and head.grad is not None
    torch.testing.assert_close(w.grad, torch.tensor([1.0, 2.0]))
    assert head.grad.item() == 1.0


def test_a_loss_method_forms_no_rows_unless_asked() -> None:
    model, _ = small()
    record = backward(losses_at(model, torch.randn(6, 5)), Equal())
    assert record.passes == "1, of the weighted sum"
    assert record.norms is None and record.cosines is None
    assert record.weights is not None
    assert record.weights.tolist() == [1.0, 1.0, 1.0]


def test_a_task_that_moves_nothing_shared_counts_once() -> None:
    w, own = nn.Parameter(torch.tensor([1.0, 1.0])), nn.Parameter(torch.tensor(1.0))
    for scale, equal in (("sum", 1.0), ("paper", 1 / 3)):
        own.grad = None
        losses = {"a": w[0] + w[1], "b": w[0] * 1.0, "c": 3 * own}
        record = backward(losses, UPGrad(), scale=scale, head_weights="task")
        assert record.weights is not None and own.grad is not None
        assert record.weights[2] == pytest.approx(equal)
        assert own.grad.item() == pytest.approx(3 * equal)


@pytest.mark.parametrize("name", METHODS)
def test_measuring_gives_norms_and_cosines_and_the_same_gradient(name: str) -> None:
    model, _ = small()
    x = torch.randn(6, 5)
    plain, measured = Backward(new(name), model), Backward(new(name), model)
    one = plain(losses_at(model, x))
    expected = gradients_of(model.parameters())
    learned = [p.grad for p in plain.balancer.parameters()]
    model.zero_grad()

    measured.start(measure=True)
    measured.add(losses_at(model, x))
    two = measured.finish()
    assert_close(gradients_of(model.parameters()), expected)
    for p, gradient in zip(measured.balancer.parameters(), learned, strict=True):
        assert p.grad is not None and gradient is not None
        torch.testing.assert_close(p.grad, gradient)
    assert one.weights is not None and two.weights is not None
    np.testing.assert_allclose(one.weights, two.weights, rtol=1e-6)

    trunk = list(model["trunk"].parameters())
    rows = [
        torch.cat([g.flatten() for g in torch.autograd.grad(loss, trunk, retain_graph=True)])
        for loss in losses_at(model, x).values()
    ]
    assert two.norms is not None and two.cosines is not None
    np.testing.assert_allclose(two.norms, [row.norm() for row in rows], rtol=1e-5)
    cosines = torch.stack([row / row.norm() for row in rows])
    np.testing.assert_allclose(two.cosines, (cosines @ cosines.T).numpy(), atol=1e-5)

    settle(plain.balancer, losses_at(model, x))
    settle(measured.balancer, losses_at(model, x))
    assert plain(losses_at(model, x)).tasks == two.tasks  # measuring was for one step
    again = measured(losses_at(model, x))
    assert (again.norms is None) == (one.norms is None)
