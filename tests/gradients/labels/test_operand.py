"""Axes that a node saved, and the place of the examples in its input."""

from typing import Any

import pytest
import torch
from torch import Tensor

from plait.gradients.labels.operand import Mixed, Operand
from plait.gradients.labels.places import Place


def operand(output: Tensor, place: Place, position: int = 0) -> Operand:
    node: Any = output.grad_fn
    child, index = node.next_functions[position]
    shape = tuple(child._input_metadata[index].shape)
    return Operand(node, position, shape, tuple(output.shape), place)


def leaf(*shape: int) -> Tensor:
    return torch.randn(shape).requires_grad_()


@pytest.mark.parametrize("dim", [1, -2])
def test_axes_are_counted_from_the_front(dim: int) -> None:
    x = leaf(2, 3, 4)
    assert operand(x.softmax(dim), Place(1, 2, 12)).axes("_saved_dim", 3) == [1]
    assert operand(x.sum((0, dim)), Place(1, 4, 1)).axes("_saved_dim", 3) == [0, 1]
    assert operand(x.roll(1, dim), Place(1, 2, 12)).axes("_saved_dims", 3) == [1]


def test_no_axes_are_all_of_them() -> None:
    x = leaf(2, 3, 4)
    assert operand(x.roll(1), Place(1, 2, 12)).axes("_saved_dims", 3) == [0, 1, 2]
    assert operand(x.var(keepdim=True), Place(1, 1, 1)).axes("_saved_dim", 3) == [0, 1, 2]


def test_the_place_in_the_input_follows_the_axis() -> None:
    """`[2, 3 * 5, 4]` becomes `[2, 3 * 5, 2]`: the sizes of the other axes change."""
    found = operand(leaf(2, 15, 4)[:, :, :2], Place(2, 3, 10))
    assert found.axis == (1, 1, 5)
    assert found.across({2}) == Place(2, 3, 20)
    assert found.across({0}, output=(2, 15, 4), shape=(7, 15, 4)) != found.place


def test_an_axis_that_changes_unasked_is_refused() -> None:
    found = operand(leaf(2, 3, 4)[:, :2], Place(1, 2, 8))
    assert found.across({1}) == Place(1, 2, 12)
    with pytest.raises(Mixed, match="changes the size"):
        found.across({2})
    with pytest.raises(Mixed, match="changes the size"):
        found.across({1}, shape=(2, 3))
    with pytest.raises(Mixed, match="along the axis of the examples"):
        found.across({0})


def test_examples_in_several_axes_are_refused() -> None:
    with pytest.raises(Mixed, match="several axes"):
        _ = operand(leaf(2, 3, 4).exp(), Place(1, 6, 4)).axis
