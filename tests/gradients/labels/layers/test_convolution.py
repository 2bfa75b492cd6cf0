"""Convolutions by label, against a loop over the tasks."""

import pytest
import torch
from torch import nn

from plait.gradients.labels.layers.convolution import convolution
from plait.gradients.labels.places import Place, Use
from tests.gradients.labels.slow import DRAWS, assert_exact, ranks_of, some, use_of
from tests.gradients.nets import Draw

KINDS = {
    "plain": (lambda: nn.Conv2d(4, 6, 3), 2),
    "strided": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, dilation=2), 2),
    "groups": (lambda: nn.Conv2d(4, 6, 2, groups=2), 2),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 2, stride=2), 2),
    "one dimension": (lambda: nn.Conv1d(4, 6, 3), 1),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_convolution(kind: str, draw: Draw) -> None:
    build, dims = KINDS[kind]
    layer = build().double()
    x = torch.randn(5, 4, *(6, 5)[:dims], dtype=torch.float64, requires_grad=True)
    for positions in ([1, 2], [1], [2]):
        layer.weight.requires_grad_(1 in positions)
        layer.bias.requires_grad_(2 in positions)
        output = layer(x)
        use = use_of("convolution", output, positions, 1, 5)
        assert_exact(use, output, ranks_of(draw, 4, 5))


def test_an_image_without_a_batch_is_not_known() -> None:
    """Its first axis has been added for the convolution alone."""
    layer = nn.Conv2d(4, 6, 3)
    use = Use(
        "convolution", layer(torch.ones(1, 4, 6, 5)).grad_fn, {1: layer.weight}, Place(1, 6, 12)
    )
    assert convolution(use) is None


def test_more_labels_take_more_operations() -> None:
    layer = nn.Conv2d(4, 6, 3)
    use = use_of("convolution", layer(torch.ones(5, 4, 6, 5)), [1, 2], 1, 5)
    found = convolution(use)
    assert found is not None
    few, all_ = (found.operations(ranks_of(some(share), 4, 5)) for share in (0.0, 1.0))
    assert all_ - few == 4 * 5 * 12 * layer.weight.numel()
