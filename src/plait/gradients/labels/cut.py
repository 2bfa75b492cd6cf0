"""The part of a graph that tasks share, and the edges at which one task alone begins above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor
from torch.autograd.graph import get_gradient_edge

from plait.gradients.graph import parents_first
from plait.gradients.labels.places import Cut, Edge, Place, Refusal, leaf_of
from plait.gradients.labels.rules import RULES
from plait.gradients.layers.uses import REORDERS


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


def cut(losses: Mapping[str, Tensor], examples: int, shared: Sequence[Tensor]) -> Region | Refusal:
    """Finds the edges at which the gradients of all tasks come from one pass of their sum.

    A node that one task alone reaches is below a cut if it leads straight to one that several
    reach, or if it lies between two such nodes. Where a node is read from there and from elsewhere
    in its task as well, its other readers are below a cut too: at its edge, what comes from above
    and what comes from the cut could not be told apart. So are the readers of a tensor that does
    not have the examples in front, such as the tokens of all examples in one axis, or that is one
    of others in another order, in which the examples may be anywhere.

    Args:
        losses: `{task: scalar}`.
        examples: in the batch, B.
        shared: parameters whose gradients are compared.
    """
    graph = _Graph(losses, shared)
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
        losses: `{task: scalar}`.
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

    def __init__(self, losses: Mapping[str, Tensor], shared: Sequence[Tensor]) -> None:
        self.roots: dict[Edge, str] = {}
        masks: dict[Any, int] = {}
        for position, (task, loss) in enumerate(losses.items()):
            if loss.requires_grad:
                root = get_gradient_edge(loss)
                self.roots[root.node, root.output_nr] = task
                masks[root.node] = masks.get(root.node, 0) | 1 << position
        self.edges = parents_first(list(masks))
        for node, edges in self.edges.items():
            mask = masks[node]
            for child, _ in edges:
                if child is not None:
                    masks[child] = masks.get(child, 0) | mask
        names = {1 << position: task for position, task in enumerate(losses)}
        reached = {node: names.get(mask) for node, mask in masks.items()}
        leading, seeing = self._end(reached, set(map(id, shared)))
        self.order = [node for node in self.edges if node in leading]
        self.own = {
            node: alone
            for node in self.order
            if (alone := reached[node]) is not None and node not in seeing
        }
        self.common = leading - set(self.own)
        self._read()

    def _end(
        self, reached: Mapping[Any, str | None], shared: set[int]
    ) -> tuple[set[Any], set[Any]]:
        """Returns the nodes that lead to parameters of several tasks, and those that are views."""
        self.alone: list[tuple[Tensor, str]] = []
        leading, seeing = set(), set()
        for node, below in reversed(self.edges.items()):
            if any(child in leading for child, _ in below):
                leading.add(node)
                if below[0][0] in seeing and node.name() in REORDERS:
                    seeing.add(node)
            elif (leaf := leaf_of(node)) is not None and id(leaf) in shared:
                alone = reached[node]
                if alone is None:
                    leading.add(node)
                    seeing.add(node)
                else:
                    self.alone.append((leaf, alone))
        return leading, seeing

    def _read(self) -> None:
        """Finds who reads the own nodes."""
        self.parents: dict[Edge, list[Any]] = {}
        outputs: dict[Any, set[int]] = {}
        for node in self.own:
            for edge in self.edges[node]:
                if edge[0] in self.own:
                    self.parents.setdefault(edge, []).append(node)
        for node, output in (*self.roots, *self.parents):
            outputs.setdefault(node, set()).add(output)
        self.outputs = {node: sorted(found) for node, found in outputs.items()}

    def lowest(self) -> set[Any]:
        """Returns the own nodes that lead straight to others."""
        return {
            node for node in self.own if any(child in self.common for child, _ in self.edges[node])
        }

    def completed(self, below: set[Any]) -> set[Any]:
        """Returns own nodes, those that they lead to, and the other readers of these."""
        while True:
            wider = set(below)
            for node in below:
                wider.update(child for child, _ in self.edges[node] if child in self.own)
            for readers in self.parents.values():
                if not wider.isdisjoint(readers):
                    wider.update(readers)
            if wider == below:
                return below
            below = wider

    def above(self, below: set[Any]) -> list[Edge]:
        """Returns the edges of own nodes that none of those nodes reads."""
        return [
            (node, output)
            for node in self.order
            if node in below
            for output in self.outputs[node]
            if below.isdisjoint(self.parents.get((node, output), ()))
        ]
