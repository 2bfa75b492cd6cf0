"""One batched head predicts what the heads one by one predict."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core.features import Features, FeatureShape
from plait.tasks import Binary, Classification, Regression
from plait.tasks.base import BaseTask
from plait.tasks.block import BlockHead
from plait.tasks.heads import ScalarHead

pytestmark = pytest.mark.usefixtures("double")

T, B, C = 5, 6, 4


def linear(head: nn.Module) -> list[nn.Linear]:
    return [each for each in head.modules() if isinstance(each, nn.Linear)]


def block_of(heads: Sequence[nn.Module]) -> BlockHead:
    layers = [*zip(*map(linear, heads), strict=True)]
    weights = [torch.stack([each.weight.detach() for each in layer]) for layer in layers]
    biases = [torch.stack([each.bias.detach() for each in layer]) for layer in layers]
    for each in [*weights, *biases]:
        each.requires_grad_()
    return BlockHead(heads, weights, biases)


def made(task: BaseTask, shape: FeatureShape) -> nn.Module:
    head = task.build_head(shape)
    if isinstance(task, Regression) and task.unit is not None:
        task.unit.fit(torch.randn(task.outputs), torch.rand(task.outputs) + 0.5)
    return head


KINDS: dict[str, Any] = {
    "linear": lambda i: Binary(f"t{i}"),
    "one hidden layer": lambda i: Binary(f"t{i}", hidden=[3]),
    "two hidden layers": lambda i: Classification(f"t{i}", classes=3, hidden=[3, 2]),
    "in fitted units": lambda i: Regression(f"t{i}", hidden=[3], outputs=2),
    "in given units": lambda i: Regression(f"t{i}", mean=float(i), scale=i + 1.0),
    "on a grid": lambda i: Binary(f"t{i}", cells=2),
    "by the largest": lambda i: Binary(f"t{i}", pooling="max", hidden=[3]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [None, [0, 2, 3]])
def test_a_block_predicts_what_its_heads_predict(kind: str, rows: list[int] | None) -> None:
    """Predictions, gradients of the parameters and gradients of the features."""
    level = (
        torch.randn(B, C, 4, 4) if kind in ("on a grid", "by the largest") else torch.randn(B, C)
    )
    shape = FeatureShape((tuple(level.shape[1:]),), dtype=torch.float64)
    heads = [made(KINDS[kind](position), shape) for position in range(T)]
    block = block_of(heads)
    present = [*range(T)] if rows is None else rows
    one, other = level.clone().requires_grad_(), level.clone().requires_grad_()
    found = block(Features((one,)), None if rows is None else torch.tensor(rows))
    wanted = torch.stack([heads[row](Features((other,))) for row in present], dim=1)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    slopes = torch.randn_like(wanted)
    (found * slopes).sum().backward()
    (wanted * slopes).sum().backward()
    torch.testing.assert_close(one.grad, other.grad, rtol=1e-12, atol=1e-12)
    for position, (weight, bias) in enumerate(zip(block.weights, block.biases, strict=True)):
        assert weight.grad is not None and bias.grad is not None
        for row, head in enumerate(heads):
            layer = linear(head)[position]
            for stacked, alone in ((weight.grad, layer.weight.grad), (bias.grad, layer.bias.grad)):
                own = torch.zeros_like(stacked[row]) if alone is None else alone
                torch.testing.assert_close(stacked[row], own, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("hidden", [[], [3]])
def test_an_absent_head_full_of_infinities_leaves_the_features_gradient_finite(
    hidden: list[int],
) -> None:
    shape = FeatureShape(((C,),))
    heads = [ScalarHead(shape, 1, hidden=hidden) for _ in range(T)]
    for parameter in heads[1].parameters():
        parameter.data.fill_(torch.inf)
    level = torch.randn(B, C).requires_grad_()
    block_of(heads)(Features((level,)), torch.tensor([0, 2, 3, 4])).sum().backward()
    assert level.grad is not None and bool(level.grad.isfinite().all())


def test_a_write_into_a_unit_is_seen() -> None:
    tasks = [Regression(f"t{position}") for position in range(T)]
    heads = [task.build_head(FeatureShape(((C,),))) for task in tasks]
    block, features = block_of(heads), Features((torch.randn(B, C),))
    before: Tensor = block(features)
    unit = tasks[3].unit
    assert unit is not None
    unit.fit(torch.tensor([2.0]), torch.tensor([3.0]))
    after: Tensor = block(features)
    torch.testing.assert_close(after[:, 3], 2 + 3 * before[:, 3])
    assert torch.equal(after[:, :3], before[:, :3])


def test_single_precision_features_under_autocast() -> None:
    """A wide product in half precision is no further from the truth than the small ones."""
    torch.set_default_dtype(torch.float32)
    heads = [ScalarHead(FeatureShape(((C,),)), 2, hidden=[3]) for _ in range(T)]
    features = Features((torch.randn(B, C),))
    block = block_of(heads)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, wanted = block(features), torch.stack([head(features) for head in heads], dim=1)
    assert found.dtype == wanted.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wanted.float(), rtol=0.03, atol=0.03)
