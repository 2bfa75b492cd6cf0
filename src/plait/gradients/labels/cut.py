"""The part of a graph that tasks share, and the edges at which one task alone begins above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from plait.gradients.labels.places import Cut, Edge, Place, Refusal, leaf_of
from plait.gradients.labels.rules import RULES
from plait.gradients.layers.uses import REORDERS
from plait.gradients.task_graph import TaskGraph


@dataclass(frozen=True)
class Region:
    """The nodes on the ways from the cuts to the parameters that several tasks reach.

    Attributes:
        nodes: `{node: edges to its inputs}`, each before the nodes that it leads to; empty if the
            tasks reach no parameter in common.
        cuts: the edges above them; no cut depends on another.
        alone: `(parameter, task)` of the shared parameters that one task alone reaches.
    """

    nodes: Mapping[Any, Sequence[Edge]]
    cuts: list[Cut]
    alone: list[tuple[Tensor, str]]


def cut(tasks: TaskGraph, examples: int, shared: Sequence[Tensor]) -> Region | Refusal:
    """Finds the edges at which the gradients of all tasks come from one pass of their sum.

    A node that one task alone reaches is below a cut if it leads straight to one that several
    reach, or if it lies between two such nodes. Where a node is read from there and from elsewhere
    in its task as well, its other readers are below a cut too: at its edge, what comes from above
    and what comes from the cut could not be told apart. So are the readers of a tensor that does
    not have the examples in front, such as the tokens of all examples in one axis, or that is one
    of others in another order, in which the examples may be anywhere.

    Args:
        tasks: the graph of their losses.
        examples: in the batch, B.
        shared: parameters whose gradients are compared.
    """
    graph = _Graph(tasks, shared)
    for (node, _), task in graph.roots.items():
        if node in graph.common:
            return Refusal.at(node, f"is the loss of '{task}', and other tasks depend on it")
    below, lowest = graph.lowest(), dict[str, tuple[Any, list[int]]]()
    while True:
        below = graph.completed(below)
        edges = graph.above(below)
        shapes = [list(node._input_metadata[output].shape) for node, output in edges]
        higher = set[Any]()
        for (node, output), shape in zip(edges, shapes, strict=True):
            readers, task = graph.parents.get((node, output), []), graph.own[node]
            if shape[:1] != [examples]:
                first, low = lowest.setdefault(task, (node, shape))
                if not readers:
                    return Refusal.at(
                        first,
                        f"is where '{task}' alone begins, and neither its output {low} nor what "
                        f"follows has the {examples} examples in front",
                    )
                higher.update(readers)
            elif node.name() in REORDERS and all(reader.name() in RULES for reader in readers):
                higher.update(readers)
        if not higher:
            break
        below |= higher
    cuts = [
        Cut(graph.own[node], node, output, Place(1, examples, prod(shape[1:])))
        for (node, output), shape in zip(edges, shapes, strict=True)
    ]
    nodes = {n: graph.edges[n] for n in graph.order if n in below or n in graph.common}
    return Region(nodes, cuts, graph.alone)


class _Graph:
    """Knows the nodes that lead to parameters which several tasks reach.

    Args:
        tasks: the graph of their losses.
        shared: parameters.

    Attributes:
        roots: `{edge: task}` of the losses.
        edges: `{node: edges to its inputs}` of the whole graph.
        order: the nodes, each before those that it leads to.
        common: those of them that several tasks reach, and those through which a parameter is seen.
        own: `{node: task}` of the others.
        parents: `{edge of an own node: nodes that read it}`.
        outputs: `{own node: those of its outputs that are read}`.
        alone: `(parameter, task)` of the shared parameters that one task alone reaches.
    """

    def __init__(self, tasks: TaskGraph, shared: Sequence[Tensor]) -> None:
        self.roots, self.edges = tasks.roots, tasks.edges
        names = {1 << position: task for position, task in enumerate(tasks.tasks)}
        leading, seeing = self._end(tasks.masks, names, set(map(id, shared)))
        self.order = [node for node in self.edges if node in leading]
        self.own = {
            node: task
            for node in self.order
            if (task := names.get(tasks.masks[node])) is not None and node not in seeing
        }
        self.common = leading - self.own.keys()
        self._read()

    def _end(
        self, masks: Mapping[Any, int], names: Mapping[int, str], shared: set[int]
    ) -> tuple[set[Any], set[Any]]:
        """Returns the nodes that lead to parameters of several tasks, and those that are views."""
        self.alone: list[tuple[Tensor, str]] = []
        leading, seeing = set[Any](), set[Any]()
        for node, below in reversed(self.edges.items()):
            for child, _ in below:
                if child in leading:
                    leading.add(node)
                    if below[0][0] in seeing and node.name() in REORDERS:
                        seeing.add(node)
                    break
            if not below and (leaf := leaf_of(node)) is not None and id(leaf) in shared:
                alone = names.get(masks[node])
                if alone is None:
                    leading.add(node)
                    seeing.add(node)
                else:
                    self.alone.append((leaf, alone))
        return leading, seeing

    def _read(self) -> None:
        """Finds who reads the own nodes."""
        own = self.own
        self.parents: dict[Edge, list[Any]] = {}
        self.outputs: dict[Any, list[int]] = {}
        for node in own:
            for edge in self.edges[node]:
                if edge[0] in own:
                    self.parents.setdefault(edge, []).append(node)
        for node, output in dict.fromkeys((*self.roots, *self.parents)):
            self.outputs.setdefault(node, []).append(output)

    def lowest(self) -> set[Any]:
        """Returns the own nodes that lead straight to others."""
        return {
            node for node in self.own if any(child in self.common for child, _ in self.edges[node])
        }

    def completed(self, below: set[Any]) -> set[Any]:
        """Returns own nodes, those that they lead to, and the other readers of these."""
        found, stack = set(below), list(below)
        while stack:
            for edge in self.edges[stack.pop()]:
                if edge[0] in self.own:
                    further = {edge[0], *self.parents[edge]} - found
                    found |= further
                    stack += further
        return found

    def above(self, below: set[Any]) -> list[Edge]:
        """Returns the edges of own nodes that none of those nodes reads."""
        return [
            (node, output)
            for node in self.order
            if node in below
            for output in sorted(self.outputs[node])
            if below.isdisjoint(self.parents.get((node, output), ()))
        ]
