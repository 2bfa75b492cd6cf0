"""The slow, obvious way to the gradients by label of one node."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.labels.layers.base import LabelLayer, by_example
from plait.gradients.labels.layers.nodes import label_layer
from plait.gradients.labels.places import Kind, Place, Use
from plait.gradients.labels.ranks import Ranks
from tests.gradients.nets import Draw


def one_label(tasks: int, examples: int) -> list[Tensor]:
    """Each example has a label of one task."""
    owner = torch.randint(0, tasks, (examples,))
    return [owner == task for task in range(tasks)]


def some(share: float) -> Draw:
    """Each label is there with some probability."""
    return lambda tasks, examples: list(torch.rand(tasks, examples) < share)


def odd(tasks: int, examples: int) -> list[Tensor]:
    """An example without a label, a task with one example, and, of three, an absent one."""
    found = torch.rand(tasks, examples) < 0.7
    found[:2] = True
    found[0, 1:] = False
    found[2:3] = False
    found[:, -1] = False
    return list(found)


DRAWS: dict[str, Draw] = {
    "one label": one_label,
    "a fifth": some(0.2),
    "all": some(1.0),
    "odd": odd,
}


def ranks_of(draw: Draw, tasks: int = 4, examples: int = 6) -> Ranks:
    return Ranks.of({f"t{task}": mask for task, mask in enumerate(draw(tasks, examples))})


def gradients_by_label(output: Tensor, place: Place, ranks: Ranks) -> Tensor:
    """Random D `[N, ...]`, in the shape that an example of `output` has."""
    placed = by_example(output.detach(), place)
    return torch.randn(ranks.labels, *placed.shape[1:], dtype=output.dtype)


def slow_rows(
    output: Tensor, place: Place, found: Tensor, ranks: Ranks, edges: Sequence[GradientEdge]
) -> list[list[Tensor]]:
    """Differentiates `output` once for each task, with the gradients of its labels."""
    rows = []
    for own in ranks.slices:
        by_number = torch.arange(output.numel()).view(output.shape)
        where = by_example(by_number, place)
        fed = torch.zeros(output.numel(), dtype=output.dtype)
        for d, example in zip(found[own], ranks.example[own].tolist(), strict=True):
            fed[where[example].flatten()] = d.flatten()
        rows.append(
            list(torch.autograd.grad(output, edges, fed.view(output.shape), retain_graph=True))
        )
    return rows


def use_of(kind: Kind, output: Tensor, positions: Sequence[int], before: int, examples: int) -> Use:
    """The use of parameters at some inputs of the node of `output`, `[before, examples, after]`."""
    node = output.grad_fn
    saved = next(
        (f"_saved_{n}" for n in ("mat1", "self", "input") if hasattr(node, f"_saved_{n}")), ""
    )
    inputs = getattr(node, saved, None)
    places = [
        Place(before, examples, each.numel() // (before * examples))
        for each in (output, output if inputs is None else inputs)
    ]
    return Use(kind, node, {position: torch.zeros(0) for position in positions}, *places)


def assert_exact(use: Use, output: Tensor, ranks: Ranks, tolerance: float = 1e-12) -> LabelLayer:
    """Rows, Gramian and weighted sum are those of the slow way."""
    layer = label_layer(use)
    assert layer is not None
    found = gradients_by_label(output, use.output, ranks)
    rows = slow_rows(output, use.output, found, ranks, layer.operands)
    for task, row in enumerate(rows):
        for one, two in zip(layer.row(found, ranks, task), row, strict=True):
            torch.testing.assert_close(one, two, rtol=tolerance, atol=tolerance)
    flat = torch.stack([torch.cat([each.flatten() for each in row]) for row in rows]).double()
    torch.testing.assert_close(
        layer.gramian(found, ranks, torch.float32), flat @ flat.T, rtol=tolerance, atol=tolerance
    )
    weights = torch.randn(len(rows), dtype=output.dtype)
    for position, one in enumerate(layer.weighted(found, ranks, weights)):
        two = sum(w * row[position] for w, row in zip(weights, rows, strict=True))
        assert isinstance(two, Tensor)
        torch.testing.assert_close(one, two, rtol=tolerance, atol=tolerance)
    assert 0 < layer.operations(ranks) < float("inf")
    return layer
