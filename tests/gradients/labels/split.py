"""The gradients of the tasks from passes in which every example is fed by another task."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.labels.places import PerExample, Use
from plait.gradients.labels.walk import walk
from plait.gradients.task_graph import TaskGraph
from tests.gradients.products import split


def slow_rows(losses: Mapping[str, Tensor], parameters: Sequence[Tensor]) -> Tensor:
    """One backward pass for each task, `[T, P]`."""
    rows = []
    for loss in losses.values():
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        rows.append(
            torch.cat(
                [
                    torch.zeros(p.numel()).to(p) if g is None else g.flatten()
                    for p, g in zip(parameters, found, strict=True)
                ]
            )
        )
    return torch.stack(rows)


def rows_by_example(
    losses: Mapping[str, Tensor], found: PerExample, examples: int, parameters: Sequence[Tensor]
) -> Tensor:
    """The same from T passes: in pass j, example i is fed by task (i + j) mod T."""
    tasks = list(losses)
    total = torch.stack(list(losses.values())).sum()
    rows = {(task, id(p)): torch.zeros_like(p) for task in tasks for p in parameters}
    for parameter, task in found.alone:
        (gradient,) = torch.autograd.grad(total, parameter, retain_graph=True)
        rows[task, id(parameter)] += gradient
    if found.cuts:
        fed = torch.autograd.grad(total, [cut.edge for cut in found.cuts], retain_graph=True)
        for task, use, gradient in _outputs(tasks, found, fed, examples):
            for parameter, part in _at_parameters(use, gradient):
                rows[task, id(parameter)] += part
    return torch.stack(
        [torch.cat([rows[task, id(p)].flatten() for p in parameters]) for task in tasks]
    )


def _outputs(
    tasks: list[str], found: PerExample, fed: Sequence[Tensor], examples: int
) -> list[tuple[str, Use, Tensor]]:
    """`(task, use, gradient of the task at its output)`."""
    passes = []
    owner = torch.arange(examples)
    for shift in range(len(tasks)):
        of = (owner + shift) % len(tasks)
        given = [
            _masked(gradient, cut.place.view(gradient), of == tasks.index(cut.task))
            for cut, gradient in zip(found.cuts, fed, strict=True)
        ]
        passes.append(
            torch.autograd.grad(
                [cut.edge for cut in found.cuts],
                [use.edge for use in found.uses],
                given,
                retain_graph=True,
                allow_unused=True,
            )
        )
    outputs = []
    for position, task in enumerate(tasks):
        for place, use in enumerate(found.uses):
            pieces = [
                _masked(
                    each[place], use.output.view(each[place]), (owner + j) % len(tasks) == position
                )
                for j, each in enumerate(passes)
                if each[place] is not None
            ]
            if pieces:
                outputs.append((task, use, torch.stack(pieces).sum(dim=0)))
    return outputs


def _masked(tensor: Tensor, viewed: Tensor, kept: Tensor) -> Tensor:
    return (viewed * kept[:, None]).reshape(tensor.shape)


def _at_parameters(use: Use, gradient: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What the node alone, without the layers below it, gives its parameters."""
    with torch.no_grad():
        parts = use.node(*[gradient] + [None] * (len(use.node._input_metadata) - 1))
        parts = parts if isinstance(parts, tuple) else (parts,)
    found = []
    for position in use.positions:
        edge = GradientEdge(*use.node.next_functions[position])
        shape = edge.node._input_metadata[edge.output_nr].shape
        below = use.computed.get(position) or [use.parameters[position]]
        part = parts[position].sum_to_size(tuple(shape))
        gradients = torch.autograd.grad(edge, below, part, retain_graph=True)
        found += zip(below, gradients, strict=True)
    return found


def assert_split(losses: Mapping[str, Tensor], examples: int, tolerance: float = 1e-10) -> Any:
    """If the graph is not refused, the tasks' gradients come out; returns what the walk says."""
    shared, _ = split(losses)
    found = walk(TaskGraph(losses), examples, shared)
    if isinstance(found, PerExample) and shared:
        expected = slow_rows(losses, shared)
        rows = rows_by_example(losses, found, examples, shared)
        assert expected.any()
        torch.testing.assert_close(rows, expected, rtol=tolerance, atol=tolerance)
    return found
