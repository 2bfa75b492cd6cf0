"""The autograd graph of several tasks, and which of them reach what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor
from torch.autograd.graph import get_gradient_edge

from plait.core.shards import shard_of
from plait.gradients.graph import parents_first


class TaskGraph:
    """The nodes below the losses of T tasks, each read once for all questions about the graph.

    It holds the graph as long as it lives.

    Args:
        losses: `{task: scalar}`; those without a graph are not in it.
        stop: edges, `(node, which of its outputs)`, that are not followed.

    Attributes:
        tasks: their names.
        roots: `{edge: task}` of the losses.
        edges: `{node: edges to its inputs}`, each before the nodes that it leads to.
        masks: `{node: tasks that reach it}`; bit t stands for the t-th task.

    Cost: one to two microseconds for each node.

    Example:
        >>> import torch
        >>> w, a = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        >>> graph = TaskGraph({"a": (w * a).sum(), "b": w.sum()})
        >>> [(node.name(), graph.masks[node]) for node in graph.edges if len(graph.edges[node]) > 1]
        [('MulBackward0', 1)]
        >>> {"w" if leaf is w else "a": tasks for leaf, tasks in graph.reached()}
        {'a': ('a',), 'w': ('a', 'b')}
    """

    def __init__(self, losses: Mapping[str, Tensor], stop: Collection[Any] = ()) -> None:
        self.tasks = tuple(losses)
        self.roots: dict[tuple[Any, int], str] = {}
        self.masks: dict[Any, int] = {}
        masks = self.masks
        for position, (task, loss) in enumerate(losses.items()):
            if loss.requires_grad:
                root = loss.grad_fn, loss.output_nr
                if loss.grad_fn is None:  # the loss is a leaf
                    root = get_gradient_edge(loss)[:2]
                if root not in stop:
                    self.roots[root] = task
                    masks[root[0]] = masks.get(root[0], 0) | 1 << position
        self.edges = parents_first(list(masks), stop)
        for node, edges in self.edges.items():
            mask = masks[node]
            for child, _ in edges:
                if child is not None:
                    known = masks.get(child)
                    if known is None:
                        masks[child] = mask
                    elif known != mask:
                        masks[child] = known | mask

    def reached(self) -> list[tuple[Tensor, tuple[str, ...]]]:
        """Returns `(leaf, tasks whose loss depends on it)` for every leaf that needs a gradient."""
        found: dict[int, tuple[Tensor, int]] = {}
        for node, edges in self.edges.items():
            if not edges and (variable := getattr(node, "variable", None)) is not None:
                leaf = shard_of(variable)
                _, mask = found.get(id(leaf), (leaf, 0))
                found[id(leaf)] = (leaf, mask | self.masks[node])
        names = {mask: self._names(mask) for mask in {mask for _, mask in found.values()}}
        return [(leaf, names[mask]) for leaf, mask in found.values()]

    def _names(self, mask: int) -> tuple[str, ...]:
        """Returns the tasks whose bit is set, in as many steps as there are."""
        found = []
        while mask:
            lowest = mask & -mask
            found.append(self.tasks[lowest.bit_length() - 1])
            mask ^= lowest
        return tuple(found)


def reached_by(
    losses: Mapping[str, Tensor], stop: Collection[Any] = ()
) -> list[tuple[Tensor, tuple[str, ...]]]:
    """Returns `(leaf, tasks whose loss depends on it)` for every leaf that needs a gradient.

    Args:
        losses: `{task: scalar}`.
        stop: edges, `(node, which of its outputs)`, that are not followed.

    Example:
        >>> import torch
        >>> w, a = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        >>> found = reached_by({"a": (w * a).sum(), "b": w.sum()})
        >>> {"w" if leaf is w else "a": tasks for leaf, tasks in found}
        {'a': ('a',), 'w': ('a', 'b')}
    """
    return TaskGraph(losses, stop).reached()
