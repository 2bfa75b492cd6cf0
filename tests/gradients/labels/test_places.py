"""Where the examples lie, against the numbers of each example."""

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from plait.gradients.labels.places import (
    Cut,
    Place,
    Refusal,
    Use,
    leaf_of,
    name_of,
    seen_through,
)
from tests.gradients.labels.jacobians import example_of, places

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(SHAPES)
def test_the_axis_of_the_examples(shape: list[int]) -> None:
    """Along it, and along no other, the example of a number changes."""
    for place in places(int(torch.Size(shape).numel())):
        of = example_of(place).view(shape)
        changes = [axis for axis in range(len(shape)) if bool((of != of.narrow(axis, 0, 1)).any())]
        found = place.axis(shape)
        assert (found is not None) == (len(changes) == 1)
        if found is not None:
            axis, outer, inner = found
            assert [axis] == changes and outer * place.examples * inner == shape[axis]
            along = of.movedim(axis, 0).reshape(shape[axis], -1)[:, 0]
            numbers = torch.arange(place.examples).repeat_interleave(inner).repeat(outer)
            assert torch.equal(along, numbers)


@given(SHAPES)
def test_the_view_has_the_numbers_of_an_example(shape: list[int]) -> None:
    count = int(torch.Size(shape).numel())
    numbers = torch.arange(count).view(shape)
    for place in places(count):
        assert place.count == count
        viewed, of = place.view(numbers), example_of(place)
        for example in range(place.examples):
            expected = numbers.flatten()[of == example]
            assert torch.equal(viewed[:, example].flatten(), expected)


def test_a_place_that_does_not_fit_has_no_axis() -> None:
    assert Place(1, 4, 1).axis(()) is None
    assert Place(1, 4, 1).axis((2, 2)) is None
    assert Place(2, 4, 1).axis((4, 2)) is None


def layers() -> tuple[nn.Linear, nn.Linear, Tensor]:
    first, second = nn.Linear(3, 3), nn.Linear(3, 2)
    return first, second, second(first(torch.randn(4, 3)))


def test_edges_of_cuts_and_uses() -> None:
    _, second, output = layers()
    node = output.grad_fn
    use = Use("linear", node, {2: second.weight}, Place(1, 4, 2), Place(1, 4, 3))
    for edge in (Cut("a", node, 0, Place(1, 4, 2)).edge, use.edge):
        (found,) = torch.autograd.grad(output.square().sum(), [edge], retain_graph=True)
        torch.testing.assert_close(found, 2 * output.detach())


def test_a_refusal_names_the_parameters_of_the_node() -> None:
    first, second, output = layers()
    found = Refusal.at(output.grad_fn, "is not known")
    assert (found.node, found.why, found.inside) == ("AddmmBackward0", "is not known", True)
    assert [id(each) for each in found.parameters] == [id(second.bias), id(second.weight)]
    (end,) = output.sum().grad_fn.next_functions[0][0].next_functions[:1]  # type: ignore[union-attr]
    leaf = Refusal.at(end[0], "is a loss")
    assert leaf.inside and [id(each) for each in leaf.parameters] == [id(second.bias)]
    assert leaf.node == "AccumulateGrad"
    assert first.weight.grad is None


def test_a_refusal_names_the_nearest_parameters_if_the_node_has_none() -> None:
    first, _, _ = layers()
    output = first(torch.randn(4, 3)).tanh().softmax(0)
    found = Refusal.at(output.grad_fn, "mixes")
    assert not found.inside
    assert {id(each) for each in found.parameters} == {id(first.bias)}
    assert Refusal.at(torch.ones(1, requires_grad=True).exp().grad_fn, "").inside


def test_the_name_is_without_its_space() -> None:
    x = torch.ones(3, requires_grad=True).clone()
    x[0] = 1.0
    assert name_of(x.grad_fn) == "CopySlices"
    assert name_of(x.exp().grad_fn) == "ExpBackward0"


def test_a_parameter_is_seen_through_what_reorders_it() -> None:
    w = nn.Parameter(torch.ones(3, 4))
    turned = w.T.view(2, 2, 3).permute(1, 2, 0)
    end, output = seen_through((turned.grad_fn, 0))
    assert (end.variable is w) and output == 0
    node = (2 * w).T.grad_fn
    assert seen_through((node, 0))[0].name() == "MulBackward0"
    assert seen_through((None, 0)) == (None, 0)


class Remembered(torch.autograd.Function):
    """A node that has what only leaves have."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.variable = nn.Parameter(torch.ones(3))
        return 2 * x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return 2 * gradient


def test_a_leaf_is_the_end_of_the_graph() -> None:
    w = nn.Parameter(torch.ones(3))
    node = (w + 1).grad_fn
    assert node is not None and leaf_of(node) is None and leaf_of(None) is None
    assert leaf_of(node.next_functions[0][0]) is w
    assert leaf_of(Remembered.apply(w).grad_fn) is None
