"""Short rows of linear layers, convolutions and embeddings against the slow loop."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.gradients.layers.short_row import Root
from tests.gradients.products import assert_exact

TASKS = range(12)


def losses_at(output: Tensor) -> dict[str, Tensor]:
    """Random linear and square functions of the output."""
    return {
        f"task{task}": (output * torch.randn_like(output)).sum()
        + (task % 2) * output.square().sum()
        for task in TASKS
    }


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(9,), (1, 9), (4, 9), (30, 9), (2, 3, 9), (2, 2, 2, 9)])
@pytest.mark.parametrize("transposed", [True, False])
def test_linear(shape: tuple[int, ...], bias: bool, transposed: bool) -> None:
    layer = nn.Linear(9, 5, bias=bias).double()
    x = torch.randn(shape).double()
    if transposed and len(shape) > 2:  # autograd then records a product and a sum
        x = x.transpose(0, 1)
    plan = assert_exact(losses_at(layer(x)), tolerance=1e-10)
    assert plan.coverage == 1.0


def test_examples_that_are_given_several_times() -> None:
    x = torch.randn(1, 9).double().expand(7, 9)
    assert_exact(losses_at(nn.Linear(9, 5).double()(x)), tolerance=1e-10)


def test_a_bias_of_another_shape() -> None:
    """`addmm` repeats it over rows, columns or both."""
    for shape in ((1, 5), (4, 1), (1,), ()):
        w, b = (nn.Parameter(torch.randn(s).double()) for s in ((9, 5), shape))
        plan = assert_exact(
            losses_at(torch.addmm(b, torch.randn(4, 9).double(), w)), tolerance=1e-10
        )
        assert plan.leftover == [b]
    square = nn.Parameter(torch.randn(5).double())
    w = nn.Parameter(torch.randn(9, 5).double())
    turned = torch.addmm(square.view(5, 1), torch.randn(5, 9).double(), w)
    assert_exact(losses_at(turned), tolerance=1e-10)


CONVOLUTIONS: list[dict[str, Any]] = [
    dict(zip(("kernel_size", "stride", "padding", "dilation"), options, strict=True))
    for options in itertools.product((1, 3), (1, 2), (0, 1), (1, 2))
]


@pytest.mark.parametrize("options", [*CONVOLUTIONS, {"kernel_size": 3, "padding": "same"}])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_convolution(options: dict[str, Any], bias: bool, groups: int) -> None:
    layer = nn.Conv2d(4, 6, bias=bias, groups=groups, **options).double()
    plan = assert_exact(losses_at(layer(torch.randn(2, 4, 6, 7).double())), tolerance=1e-10)
    assert plan.coverage == 1.0


@pytest.mark.parametrize("shape", [(1, 40, 3, 3), (2, 40, 4, 5), (40, 4, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_of_few_pixels_is_unfolded(shape: tuple[int, ...], bias: bool) -> None:
    layer = nn.Conv2d(40, 30, (3, 2), stride=(1, 2), padding=(1, 0), bias=bias).double()
    plan = assert_exact(losses_at(layer(torch.randn(shape).double())), tolerance=1e-10)
    assert [type(row) for _, row in plan.layers] == [Root]
    assert plan.bytes["layers"] < plan.bytes["rows"]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d(3, 4, 3), (2, 3, 7)),
        (nn.Conv3d(3, 4, 2), (2, 3, 4, 4, 4)),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1), (2, 4, 5, 5)),
        (nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False), (2, 4, 5, 5)),
        (nn.ConvTranspose1d(4, 6, 3, dilation=2), (2, 4, 5)),
        (nn.Conv2d(4, 4, 3, groups=4, padding_mode="circular", padding=1), (2, 4, 5, 5)),
    ],
)
def test_other_convolutions(layer: nn.Module, shape: tuple[int, ...]) -> None:
    losses = losses_at(layer.double()(torch.randn(shape).double()))
    assert assert_exact(losses, tolerance=1e-10).coverage == 1.0


@pytest.mark.parametrize(
    "options",
    [{}, {"padding_idx": 0}, {"padding_idx": 3}, {"sparse": True}, {"max_norm": 0.5}],
)
@pytest.mark.parametrize("tokens", [[[1, 3, 3], [0, 3, 1]], [7], [0, 0]])
def test_embedding(options: dict[str, Any], tokens: list[Any]) -> None:
    layer = nn.Embedding(9, 4, **options).double()
    plan = assert_exact(losses_at(layer(torch.tensor(tokens))), tolerance=1e-10)
    assert plan.coverage == 1.0
    assert plan.width <= 3 * 4  # the table has nine words, the batch at most three


def test_gradients_divided_by_the_frequency_are_taken_as_they_are() -> None:
    layer = nn.Embedding(9, 4, scale_grad_by_freq=True).double()
    plan = assert_exact(losses_at(layer(torch.tensor([1, 1, 2]))), tolerance=1e-10)
    assert plan.coverage == 0.0


@pytest.mark.parametrize(
    "forward", [F.linear, lambda x, w: x @ w.T, lambda x, w: x @ w.permute(1, 0)]
)
def test_a_weight_seen_through_a_view(forward: Callable[[Tensor, Tensor], Tensor]) -> None:
    flat = nn.Parameter(torch.randn(45).double())
    losses = losses_at(forward(torch.randn(4, 9).double(), flat.view(5, 9)))
    assert assert_exact(losses, tolerance=1e-10).coverage == 1.0
