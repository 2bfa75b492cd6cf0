"""Norms, biases and scales by label, against a loop over the tasks."""

import pytest
import torch
from torch import nn

from plait.gradients.labels.places import Kind
from tests.gradients.labels.slow import DRAWS, assert_exact, ranks_of, use_of
from tests.gradients.nets import Draw

DRAW = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


def inputs(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def affine(norm: nn.Module) -> nn.Module:
    """The norm with weights that are not 1, in float64."""
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm.double()


@DRAW
@pytest.mark.parametrize("place", ["behind", "before", "in one axis", "two axes"])
def test_layer_norm(draw: Draw, place: str) -> None:
    x = inputs(6, 4, 5)
    norm = affine(nn.LayerNorm((4, 5) if place == "two axes" else 5))
    seen, before = {
        "behind": (x, 1),
        "before": (x.transpose(0, 1), 4),
        "in one axis": (x.transpose(0, 1).flatten(0, 1), 4),
        "two axes": (x, 1),
    }[place]
    output = norm(seen)
    for positions in ([1, 2], [1], [2]):
        use = use_of("layer_norm", output, positions, before, 6)
        assert_exact(use, output, ranks_of(draw))


@DRAW
def test_norms_of_channels(draw: Draw) -> None:
    maps = inputs(6, 4, 3, 2)
    group = affine(nn.GroupNorm(2, 4))
    two, one = affine(nn.BatchNorm2d(4)), affine(nn.BatchNorm1d(4))
    two(maps), one(maps[:, :, 0, 0])  # the running statistics move
    two.eval(), one.eval()
    outputs: list[tuple[Kind, torch.Tensor]] = [
        ("group_norm", group(maps)),
        ("batch_norm", two(maps)),
        ("batch_norm", one(maps[:, :, 0, 0])),
    ]
    for kind, output in outputs:
        assert_exact(use_of(kind, output, [1, 2], 1, 6), output, ranks_of(draw))


@DRAW
@pytest.mark.parametrize("shape", [(5,), (4, 5), (1, 4, 1), ()])
def test_biases_and_scales_of_any_shape(draw: Draw, shape: tuple[int, ...]) -> None:
    p, x = nn.Parameter(torch.randn(shape, dtype=torch.float64)), inputs(6, 4, 5)
    outputs: list[tuple[Kind, torch.Tensor, int]] = [
        ("addition", x + p, 1),
        ("addition", p + x, 0),
        ("addition", torch.add(x, p, alpha=2), 1),
        ("addition", torch.add(p, x, alpha=2), 0),
        ("scaling", x * p, 1),
        ("scaling", p * x, 0),
        ("scaling", torch.addcmul(inputs(6, 4, 5), p, x), 1),
        ("scaling", torch.addcmul(inputs(6, 4, 5), x, p), 2),
    ]
    for kind, output, position in outputs:
        assert_exact(use_of(kind, output, [position], 1, 6), output, ranks_of(draw))


@DRAW
def test_two_parameters_within_a_sum(draw: Draw) -> None:
    """Both factors meet all examples; each is multiplied with the other."""
    one, other = (nn.Parameter(torch.randn(s, dtype=torch.float64)) for s in ((4, 1), (5,)))
    output = torch.addcmul(inputs(6, 4, 5), one, other)
    assert_exact(use_of("scaling", output, [1, 2], 1, 6), output, ranks_of(draw))


@DRAW
def test_positions_before_the_examples(draw: Draw) -> None:
    p, x = nn.Parameter(torch.randn(4, 1, 1, dtype=torch.float64)), inputs(4, 6, 5)
    for kind, output in (("addition", x + p), ("scaling", x * p)):
        use = use_of("addition" if kind == "addition" else "scaling", output, [1], 4, 6)
        assert_exact(use, output, ranks_of(draw))


@DRAW
def test_a_parameter_that_is_repeated_for_each_example(draw: Draw) -> None:
    """A class token, and a factor that is wider than what it multiplies."""
    token = nn.Parameter(torch.randn(1, 1, 5, dtype=torch.float64))
    output = token.expand(6, 2, 5)
    assert_exact(use_of("addition", output, [0], 1, 6), output, ranks_of(draw))
    wide = nn.Parameter(torch.randn(1, 7, dtype=torch.float64))
    output = inputs(6, 1) * wide
    assert_exact(use_of("scaling", output, [1], 1, 6), output, ranks_of(draw))
