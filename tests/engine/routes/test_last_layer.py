"""The Gramian at the last shared layer, against slow loops."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from plait.balancing import GradNorm, GramianBalancer, Info
from plait.engine import Backward, backward
from tests.engine.loops import (
    given,
    rows_of,
    weighted,
)
from tests.engine.routes.nets import Net
from tests.gradients.nets import NETS, heads, losses_of
from tests.gradients.slow import assert_close, gradients_of


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("with_model", [True, False])
def test_the_gramian_is_that_of_the_last_shared_weight(with_model: bool, head_weights: Any) -> None:
    net, x = Net().double(), torch.randn(6, 5, dtype=torch.float64)
    losses = net.losses(net.features(x))
    rows = rows_of(losses, [net.trunk[2].weight])
    weights = [0.5, 2.0, 3.0]
    heads_get = weights if head_weights == "task" else None
    expected = weighted(losses, net.lower(), weights) | weighted(losses, net.upper(), heads_get)
    method = given(lambda gramian: weights, GramianBalancer, at="last layer")
    net.passes.clear()
    run = Backward(method, net if with_model else None, head_weights=head_weights)
    record = run(net.losses(net.features(x)))
    ((tasks, gramian),) = method.seen
    assert tasks == ("a", "b", "c")
    np.testing.assert_allclose(gramian, (rows @ rows.T).numpy(), rtol=1e-12)
    assert record.norms is not None
    np.testing.assert_allclose(record.norms, rows.norm(dim=1).numpy(), rtol=1e-12)
    assert len(net.passes) == 1
    assert_close(gradients_of(net.parameters()), expected, tolerance=1e-12)


def test_gradnorm_is_its_slow_loop_for_several_steps() -> None:
    """|g_i| at the last shared layer by hand; the formula of the weights is tested elsewhere."""
    net = Net().double()
    slow, run = GradNorm(lr=0.2), Backward(GradNorm(lr=0.2), net)
    for _ in range(4):
        x = torch.randn(6, 5, dtype=torch.float64)
        losses = net.losses(net.features(x))
        rows = rows_of(losses, [net.trunk[2].weight])
        values = torch.stack([loss.detach() for loss in losses.values()])
        weights = slow.weights(rows @ rows.T, Info(tuple(losses), losses=values))
        expected = weighted(losses, net.lower(), weights) | weighted(losses, net.upper())
        net.zero_grad()
        record = run(losses)
        assert record.weights == pytest.approx(weights.tolist(), rel=1e-9)
        assert_close(gradients_of(net.parameters()), expected, tolerance=1e-9)
    assert abs(weights - 1).max() > 0.1


@pytest.mark.parametrize("micro", [False, True])
def test_micro_batches_have_the_same_last_layer(micro: bool) -> None:
    """The Gramian of the joined batch at that layer, from rows over the micro-batches."""
    net, x = Net().double(), torch.randn(6, 5, dtype=torch.float64)
    losses = net.losses(net.features(x))
    rows = rows_of(losses, [net.trunk[2].weight])
    method = given(lambda gramian: [1.0, 2.0, 3.0], GramianBalancer, at="last layer")
    run = Backward(method, net)
    run.start()
    if micro:
        for part in (slice(0, 2), slice(2, 6)):
            share = dict.fromkeys("abc", len(range(6)[part]) / 6)
            run.add(net.losses(net.features(x[part])), share)
    else:
        run.add(losses)
    run.finish()
    ((_, gramian),) = method.seen
    np.testing.assert_allclose(gramian, (rows @ rows.T).numpy(), rtol=1e-9)


def test_the_last_layer_may_be_an_embedding_with_sparse_gradients() -> None:
    table, two = nn.Embedding(9, 4, sparse=True), heads(4)
    losses = losses_of(table(torch.tensor([[1, 2, 2], [8, 0, 1]])).mean(dim=1), two)
    rows = rows_of(losses, [table.weight])
    method = given(lambda gramian: [2.0, 3.0], GramianBalancer, at="last layer")
    expected = weighted(losses, [table.weight], [2.0, 3.0]) | weighted(losses, [*two.parameters()])
    backward(losses, method)
    np.testing.assert_allclose(method.seen[0][1], (rows @ rows.T).numpy(), rtol=1e-5)
    assert_close(gradients_of([table.weight, *two.parameters()]), expected)


@pytest.mark.parametrize("head_weights", ["unit", "task"])
@pytest.mark.parametrize("build", ["nothing_shared", "one_task"])
def test_where_nothing_is_shared_heads_get_their_gradient(build: str, head_weights: Any) -> None:
    parameters, make_losses = NETS[build]()
    losses = make_losses()
    expected = weighted(losses, parameters)
    record = backward(losses, GradNorm(), head_weights=head_weights)
    assert record.weights is not None
    assert record.weights.tolist() == [1.0] * len(losses)
    assert_close(gradients_of(parameters), expected)
