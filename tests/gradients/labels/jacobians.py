"""What a rule claims about a node, against every derivative of the node."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from plait.gradients.labels.operand import Mixed, Operand
from plait.gradients.labels.places import Place
from plait.gradients.labels.rules import RULES


def places(count: int) -> Iterator[Place]:
    """Every place that two examples or more may have in a tensor of `count` numbers."""
    for before in range(1, count + 1):
        for examples in range(2, count // before + 1):
            if count % (before * examples) == 0:
                yield Place(before, examples, count // (before * examples))


def jacobian(node: Any, output: int, position: int) -> Tensor:
    """All derivatives of an output by an input, `[numbers of the output, numbers of the input]`."""
    shapes = [each.shape for each in node._input_metadata]
    child, index = node.next_functions[position]
    below = tuple(child._input_metadata[index].shape)
    rows = []
    for number in range(int(torch.Size(shapes[output]).numel())):
        given = [torch.zeros(tuple(shape), dtype=torch.float64) for shape in shapes]
        given[output].view(-1)[number] = 1.0
        with torch.no_grad():
            found = node(*given)
        found = found if isinstance(found, tuple) else (found,)
        rows.append(found[position].sum_to_size(below).reshape(-1))  # as autograd does
    return torch.stack(rows)


def example_of(place: Place) -> Tensor:
    """The example of each number of a tensor, in row-major order."""
    numbers = torch.arange(place.examples).view(1, -1, 1)
    return numbers.expand(place.before, -1, place.after).reshape(-1)


def claims(node: Any, output: int, position: int) -> dict[Place, Place | None]:
    """What the rule of a node says of an input, by the place in the output; without refusals."""
    child, index = node.next_functions[position]
    shape = tuple(child._input_metadata[index].shape)
    whole = tuple(node._input_metadata[output].shape)
    found = {}
    for place in places(int(torch.Size(whole).numel())):
        try:
            found[place] = RULES[node.name()](Operand(node, position, shape, whole, place))
        except Mixed:
            continue
    return found


def assert_true(node: Any, output: int = 0) -> dict[int, dict[Place, Place | None]]:
    """No derivative links two examples, wherever the rule does not refuse; returns what it says."""
    said = {}
    for position, (child, _) in enumerate(node.next_functions):
        if child is None:
            continue
        said[position] = claims(node, output, position)
        derivatives = jacobian(node, output, position)
        assert derivatives.isfinite().all() and derivatives.any()
        for place, claimed in said[position].items():
            if claimed is not None:
                assert claimed.count == derivatives.shape[1]
                apart = example_of(place)[:, None] != example_of(claimed)
                assert not derivatives[apart].any(), (node.name(), position, place, claimed)
    return said
