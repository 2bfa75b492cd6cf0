"""How a parameter is used, and where the examples lie in what it meets."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from plait.gradients.labels.kinds import kind_of
from plait.gradients.labels.operand import Mixed, Operand
from plait.gradients.labels.places import Place
from plait.gradients.labels.rules import RULES


def leaf(*shape: int) -> Tensor:
    return torch.randn(shape).requires_grad_()


def kind(output: Tensor, position: int, place: Place) -> Any:
    node: Any = output.grad_fn
    child, index = node.next_functions[position]
    shape = tuple(child._input_metadata[index].shape)
    operand = Operand(node, position, shape, tuple(output.shape), place)
    assert RULES[node.name()](operand) is None
    return kind_of(operand)


x, tokens, image = torch.randn(4, 3), torch.randn(5, 4, 3), torch.randn(4, 2, 5, 5)


def test_a_linear_layer() -> None:
    layer = F.linear(x, leaf(2, 3), leaf(2))
    for position in (0, 2):
        assert kind(layer, position, Place(1, 4, 2)) == ("linear", Place(1, 4, 3))
    bias_alone = F.linear(x, torch.randn(2, 3), leaf(2))
    assert kind(bias_alone, 0, Place(1, 4, 2)) == ("linear", Place(1, 4, 3))
    assert kind(x @ leaf(3, 2), 1, Place(1, 4, 2)) == ("linear", Place(1, 4, 3))


def test_a_linear_layer_of_positions() -> None:
    """Behind the examples or before them."""
    rows = tokens.reshape(20, 3) @ leaf(3, 2)
    assert kind(rows, 1, Place(5, 4, 2)) == ("linear", Place(5, 4, 3))
    assert kind(rows, 1, Place(1, 5, 8)) == ("linear", Place(1, 5, 12))
    stacked = torch.bmm(tokens, leaf(5, 3, 2))
    assert kind(stacked, 1, Place(5, 4, 2)) == ("linear", Place(5, 4, 3))


def test_additions_and_scalings() -> None:
    for output, position in ((tokens + leaf(3), 1), (leaf(5, 1, 3) + tokens, 0)):
        assert kind(output, position, Place(5, 4, 3)) == ("addition", None)
    assert kind(leaf(1, 3).expand(4, 3), 0, Place(1, 4, 3)) == ("addition", None)
    assert kind(tokens * leaf(3), 1, Place(5, 4, 3)) == ("scaling", None)
    assert kind(leaf() * tokens, 0, Place(5, 4, 3)) == ("scaling", None)


def test_a_product_within_a_sum() -> None:
    for output, position in (
        (torch.addcmul(tokens, leaf(3), tokens), 1),
        (torch.addcmul(tokens, tokens, leaf()), 2),
    ):
        assert kind(output, position, Place(5, 4, 3)) == ("scaling", None)
    with pytest.raises(Mixed, match="another factor than 1"):
        kind(torch.addcmul(tokens, tokens, leaf(3), value=2), 2, Place(5, 4, 3))
    with pytest.raises(Mixed, match="adds products to a parameter"):
        kind(torch.addcmul(leaf(3), tokens, tokens), 0, Place(5, 4, 3))


def test_norms_meet_what_they_give() -> None:
    place = Place(1, 4, 50)
    statistics = torch.zeros(2), torch.ones(2)
    for output, name in (
        (F.layer_norm(image, (5,), leaf(5), leaf(5)), "layer_norm"),
        (F.group_norm(image, 2, leaf(2), leaf(2)), "group_norm"),
        (F.batch_norm(image, *statistics, leaf(2), leaf(2)), "batch_norm"),
    ):
        for position in (1, 2):
            assert kind(output, position, place) == (name, place)


def test_a_convolution() -> None:
    output = F.conv2d(image, leaf(3, 2, 2, 2), leaf(3), stride=2)
    for position in (1, 2):
        assert kind(output, position, Place(1, 4, 12)) == ("convolution", Place(1, 4, 50))
    bias_alone = F.conv2d(image, torch.randn(3, 2, 2, 2), leaf(3), stride=2)
    assert kind(bias_alone, 2, Place(1, 4, 12)) == ("convolution", Place(1, 4, 50))
    frames = F.conv2d(image, leaf(3, 2, 2, 2), stride=2)
    assert kind(frames, 1, Place(1, 2, 24)) == ("convolution", Place(1, 2, 100))


def test_an_embedding() -> None:
    output = F.embedding(torch.zeros(4, 6, dtype=torch.long), leaf(7, 3))
    assert kind(output, 0, Place(1, 4, 18)) == ("embedding", Place(1, 4, 6))
    assert kind(output, 0, Place(4, 6, 3)) == ("embedding", Place(4, 6, 1))


@pytest.mark.parametrize(
    ("output", "position", "place", "why"),
    [
        (lambda: torch.add(x, leaf(3), alpha=2.0), 1, Place(1, 4, 3), "another factor"),
        (lambda: torch.addmm(leaf(2), x, leaf(3, 2), beta=2), 0, Place(1, 4, 2), "another factor"),
        (lambda: torch.addmm(leaf(2), x, leaf(3, 2), alpha=2), 2, Place(1, 4, 2), "another factor"),
        (lambda: torch.addmm(leaf(1), x, leaf(3, 2)), 0, Place(1, 4, 2), "not `\\[outputs\\]`"),
        (lambda: leaf(2, 3) @ x.T, 0, Place(2, 4, 1), "first factor"),
        (lambda: torch.addmm(leaf(1), leaf(2, 3), x.T), 1, Place(2, 4, 1), "first factor"),
        (lambda: x - leaf(3), 1, Place(1, 4, 3), "not known by example"),
        (lambda: x / leaf(3), 1, Place(1, 4, 3), "not known by example"),
        (lambda: x @ leaf(3), 1, Place(1, 4, 1), "not known by example"),
    ],
)
def test_other_uses_are_refused(
    output: Callable[[], Tensor], position: int, place: Place, why: str
) -> None:
    with pytest.raises(Mixed, match=why):
        kind(output(), position, place)
