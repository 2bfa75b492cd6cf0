"""Nodes that only move numbers, over many shapes, against every derivative."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.gradients.labels import moves
from plait.gradients.labels.operand import Mixed, Operand
from plait.gradients.labels.places import Place
from tests.gradients.labels.jacobians import assert_true

SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=4)


def leaf(shape: list[int]) -> Tensor:
    return torch.randn(shape, dtype=torch.float64).requires_grad_()


def axis(data: st.DataObject, x: Tensor) -> int:
    return data.draw(st.integers(-x.dim(), x.dim() - 1))


def expanded(data: st.DataObject, x: Tensor) -> Tensor:
    sizes = [size if size > 1 else data.draw(st.integers(1, 3)) for size in x.shape]
    return x.expand(data.draw(st.lists(st.integers(1, 2), max_size=1)) + sizes)


def added(data: st.DataObject, x: Tensor) -> Tensor:
    shape = [data.draw(st.sampled_from([1, size])) for size in x.shape]
    other = leaf(shape[data.draw(st.integers(0, x.dim())) :])
    return x + other


MOVES: dict[str, Callable[[st.DataObject, Tensor], Tensor]] = {
    "add": added,
    "cat": lambda data, x: torch.cat([x, x.detach()], axis(data, x)),
    "expand": expanded,
    "flatten": lambda data, x: x.flatten(),
    "index": lambda data, x: x.index_select(axis(data, x), torch.tensor([0, 0])),
    "pad": lambda data, x: torch.nn.functional.pad(x, [1, 0] * data.draw(st.integers(1, x.dim()))),
    "permute": lambda data, x: x.permute(data.draw(st.permutations(range(x.dim())))),
    "repeat": lambda data, x: x.repeat(
        data.draw(st.lists(st.integers(1, 2), min_size=x.dim(), max_size=x.dim() + 1))
    ),
    "select": lambda data, x: x.select(axis(data, x), -1),
    "slice": lambda data, x: x.narrow(axis(data, x), 0, 1),
    "split": lambda data, x: x.split(2, axis(data, x))[0],
    "stack": lambda data, x: torch.stack([x, x.detach()], axis(data, x)),
    "transpose": lambda data, x: x.transpose(axis(data, x), axis(data, x)),
    "unbind": lambda data, x: x.unbind(axis(data, x))[-1],
    "unsqueeze": lambda data, x: x.unsqueeze(axis(data, x)),
}


@given(st.sampled_from(sorted(MOVES)), SHAPES, st.data())
def test_no_derivative_links_two_examples(name: str, shape: list[int], data: st.DataObject) -> None:
    output = MOVES[name](data, leaf(shape))
    if output.grad_fn is not None:  # it is not, where nothing is moved
        assert_true(output.grad_fn, output.output_nr)


def operand(shape: tuple[int, ...], output: tuple[int, ...], place: Place) -> Operand:
    return Operand(None, 0, shape, output, place)


def test_a_shape_that_does_not_fit_is_refused() -> None:
    place = Place(1, 2, 3)
    for rule in (moves.same, moves.view, moves.broadcast):
        with pytest.raises(Mixed):
            rule(operand((2, 4), (2, 3), place))
    with pytest.raises(Mixed, match="drops axes"):
        moves.broadcast(operand((1, 2, 3), (2, 3), place))


def test_an_operand_without_the_axis_meets_all_examples() -> None:
    place = Place(1, 2, 3)
    for shape in ((), (3,), (1, 3), (1, 1)):
        assert moves.broadcast(operand(shape, (2, 3), place)) is None
    for shape in ((2, 1), (2, 3)):
        found = moves.broadcast(operand(shape, (2, 3), place))
        assert found == Place(1, 2, shape[1])


def test_a_list_of_numbers_takes_entries_of_one_axis() -> None:
    x: Any = torch.randn(3, 3, 3).requires_grad_()
    for taken in (x[:, [0, 1], [1, 0]], x[:, torch.tensor([[0, 1]])], x[:, torch.tensor(1)]):
        node = taken.grad_fn
        if node.name() == "IndexBackward0":
            whole = Operand(node, 0, (3, 3, 3), tuple(taken.shape), Place(1, 3, taken[0].numel()))
            with pytest.raises(Mixed, match="several"):
                moves.take_listed(whole)
