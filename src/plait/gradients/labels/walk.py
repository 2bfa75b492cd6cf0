"""Whether a graph acts on each example alone, from the graph itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from plait.gradients.labels.cut import Region, cut
from plait.gradients.labels.kinds import kind_of
from plait.gradients.labels.label_rows import acts_row_by_row
from plait.gradients.labels.operand import Mixed, Operand
from plait.gradients.labels.places import (
    Edge,
    PerExample,
    Place,
    Refusal,
    Use,
    leaf_of,
    name_of,
    seen_through,
)
from plait.gradients.labels.rules import RULES, SEVERAL_OUTPUTS, Rule
from plait.gradients.layers.nodes import saves_through_hooks
from plait.gradients.task_graph import TaskGraph


def walk(tasks: TaskGraph, examples: int, shared: Sequence[Tensor]) -> PerExample | Refusal:
    """Tells whether what the tasks share acts on each example alone, or which node forbids it.

    From the edges at which one task alone begins, whose tensors have the examples in front, it
    follows the examples down to the parameters, node by node. What is accepted is proven by the
    rule of each node: at every edge, the gradient at an example depends on what is fed in at this
    example alone. That two sizes are equal proves nothing. What all examples meet has to be a
    parameter, or computed without a tensor of the examples. A node without a rule is refused, and
    so are numbers other than single or double precision, tensors saved through hooks, and
    parameters whose gradient a hook changes. A hook on another tensor is not seen, and may not mix
    examples.

    Args:
        tasks: the graph of their losses.
        examples: in the batch, B, at least 2.
        shared: all parameters that several tasks reach and whose gradients are wanted; it may have
            others.

    Returns:
        The cuts and the uses of parameters, or a refusal. Without a parameter that two tasks reach
        there are none of them.

    Cost: some microseconds for each node of the graph.

    Example:
        >>> body, heads = torch.nn.Linear(3, 2), torch.nn.Linear(2, 2)
        >>> parameters = [*body.parameters(), *heads.parameters()]
        >>> output = heads(body(torch.ones(4, 3)).relu())
        >>> graph = TaskGraph({"a": output[:, 0].mean(), "b": output[:, 1].mean()})
        >>> found = walk(graph, 4, parameters)
        >>> [(cut.task, cut.place) for cut in found.cuts]
        [('a', Place(before=1, examples=4, after=1)), ('b', Place(before=1, examples=4, after=1))]
        >>> [(use.kind, list(use.parameters)) for use in found.uses]
        [('linear', [0, 2]), ('linear', [0, 2])]
        >>> means = output.mean(dim=0)
        >>> walk(TaskGraph({"a": means[0], "b": means[1]}), 4, parameters).node
        'SelectBackward0'
    """
    if examples < 2:
        return Refusal("", "a batch of one example cannot be split by example")
    region = cut(tasks, examples, shared)
    return region if isinstance(region, Refusal) else _Walk(region).run()


class _Stop(Exception):
    """The walk ends at a node, for a reason."""

    def __init__(self, node: Any, why: str) -> None:
        super().__init__(why)
        self.refusal = Refusal.at(node, why)


class _Walk:
    """Carries the place of the examples from the cuts down to the parameters."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._members = region.nodes
        self._places: dict[Any, dict[int, Place]] = {}  # by node and output
        self._shapes: dict[Edge, tuple[int, ...]] = {}
        self._uses: dict[Any, Use] = {}
        self._alike: list[tuple[Operand, Edge]] = []  # inputs that all examples meet
        self._by_row = True
        self._sort: tuple[torch.dtype, torch.device] | None = None  # of the tensor at the first cut

    def run(self) -> PerExample | Refusal:
        """Walks once."""
        try:
            for each in self._region.cuts:
                self._arrive(each.node, (each.node, each.output), each.place)
            for node, edges in self._members.items():
                if node in self._places:
                    self._leave(node, edges, self._places[node])
            self._check_alike()
        except _Stop as stop:
            return stop.refusal
        region, uses = self._region, list(self._uses.values())
        return PerExample(region.cuts, uses, region.alone, self._by_row)

    def _arrive(self, reader: Any, edge: Edge, place: Place) -> None:
        """Notes where the examples lie at an edge, on which all of its readers have to agree."""
        node, output = edge
        places = self._places.setdefault(node, {})
        known = places.get(output)
        if known is None:
            self._check(reader, edge, place)
            places[output] = place
        elif known != place:
            raise _Stop(node, "is read with the examples in two places")

    def _check(self, reader: Any, edge: Edge, place: Place) -> None:
        """Checks what is read at an edge."""
        node, output = edge
        if not self._members[node]:  # the end of the graph
            raise _Stop(reader, "has a parameter in which the examples are an axis")
        found = node._input_metadata[output]
        shape = self._shapes[edge] = tuple(found.shape)
        if found.is_nested_tensor or prod(shape) != place.count or place.count == 0:
            raise _Stop(reader, "reads a tensor that is nested, empty, or of an unknown shape")
        self._check_sort(reader, found)

    def _shape(self, edge: Edge) -> tuple[int, ...]:
        shape = self._shapes.get(edge)
        if shape is None:
            shape = self._shapes[edge] = tuple(edge[0]._input_metadata[edge[1]].shape)
        return shape

    def _check_sort(self, reader: Any, found: Any) -> None:
        """Checks the precision and the device, which have to be the same everywhere."""
        self._sort = self._sort or (found.dtype, found.device)
        dtype, device = self._sort
        if found.dtype not in (torch.float32, torch.float64):
            raise _Stop(reader, f"works in {_short(found.dtype)}")
        if found.dtype != dtype:
            raise _Stop(reader, f"reads {_short(found.dtype)} in a graph of {_short(dtype)}")
        if found.device != device:
            raise _Stop(reader, f"reads from {found.device} in a graph on {device}")

    def _leave(self, node: Any, edges: Sequence[Edge], places: Mapping[int, Place]) -> None:
        """Finds the places in the inputs of a node, and its use of parameters."""
        name = node.name()
        rule = RULES.get(name)
        if rule is None or (name not in SEVERAL_OUTPUTS and [*places] != [0]):
            raise _Stop(node, "is not known to act on each example alone")
        if saves_through_hooks(node):
            raise _Stop(node, "saves its tensors through hooks, as in checkpointing")
        for position, edge in enumerate(edges):
            if edge[0] in self._members:
                shape = self._shape(edge)
                for output, place in places.items():
                    operand = Operand(node, position, shape, self._shape((node, output)), place)
                    self._pass_on(operand, edge, rule)

    def _pass_on(self, operand: Operand, edge: Edge, rule: Rule) -> None:
        try:
            place = rule(operand)
            if place is None:
                self._use(operand, edge)
        except Mixed as reason:
            raise _Stop(operand.node, str(reason)) from None
        if place is not None:
            self._by_row = self._by_row and acts_row_by_row(operand)
            self._arrive(operand.node, edge, place)

    def _use(self, operand: Operand, edge: Edge) -> None:
        """Notes that a node uses what all examples meet: a parameter, or what is made of some."""
        leaf = leaf_of(seen_through(edge)[0])
        if leaf is None:
            self._alike.append((operand, edge))
            self._check_sort(operand.node, edge[0]._input_metadata[edge[1]])
        else:
            self._add_use(operand, leaf)

    def _check_alike(self) -> None:
        """Notes what is made of parameters, now that it is known which tensors have examples."""
        for operand, edge in self._alike:
            nodes, stack = {edge[0]}, [edge[0]]
            while stack:
                below = {child for child, _ in self._members[stack.pop()] if child in self._members}
                stack += below - nodes
                nodes |= below
            if not nodes.isdisjoint(self._places):
                reader = name_of(operand.node)
                why = f"has examples below it, and {reader} uses it for all of them alike"
                raise _Stop(seen_through(edge)[0], why)
            try:
                leaves = [leaf for node in nodes if (leaf := leaf_of(node)) is not None]
                self._add_use(operand, *leaves, computed=True)
            except Mixed as reason:
                raise _Stop(operand.node, str(reason)) from None

    def _add_use(self, operand: Operand, *parameters: Tensor, computed: bool = False) -> None:
        node, position = operand.node, operand.position
        for parameter in parameters:
            self._check_sort(node, parameter)
            if type(parameter) not in (Tensor, Parameter):
                raise _Stop(node, f"has a parameter that is a {type(parameter).__name__}")
            if parameter._backward_hooks:
                raise _Stop(node, "has a parameter whose gradient a hook changes")
        kind, place = kind_of(operand)
        use = self._uses.get(node) or Use(kind, node, {}, operand.place, place)
        if computed:
            use = replace(use, computed={**use.computed, position: parameters})
        else:
            use = replace(use, parameters={**use.parameters, position: parameters[0]})
        self._uses[node] = use


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
