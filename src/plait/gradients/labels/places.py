"""The place of a batch's examples in the tensors of a graph, and the uses of parameters found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.layers.uses import REORDERS

Edge = tuple[Any, int]  # (node, which of its outputs)
Kind = Literal[
    "addition",
    "batch_norm",
    "convolution",
    "embedding",
    "group_norm",
    "layer_norm",
    "linear",
    "scaling",
]


@dataclass(frozen=True)
class Place:
    """The place of the examples: in row-major order the tensor is `[before, examples, after]`.

    So the numbers of an example are known whatever the shape is, also where positions and examples
    are one axis.

    Attributes:
        before: numbers in front, such as the positions of `[positions, B, width]`; 1 if the
            examples come first.
        examples: the examples of the batch, B.
        after: numbers behind, such as positions times width.

    Example:
        >>> Place(1, 4, 10).axis((20, 2))  # five positions of each example
        (0, 1, 5)
        >>> import torch
        >>> Place(1, 4, 10).view(torch.zeros(20, 2)).shape
        torch.Size([1, 4, 10])
    """

    before: int
    examples: int
    after: int

    @property
    def count(self) -> int:
        """Numbers in the tensor."""
        return self.before * self.examples * self.after

    def axis(self, shape: Sequence[int]) -> tuple[int, int, int] | None:
        """Finds the axis that has the examples, which may have more: positions of each of them.

        Returns:
            `(axis, outer, inner)`: the axis has ``outer * examples * inner`` entries; None if the
            examples are spread over several axes.
        """
        front = 1
        for axis, size in enumerate(shape):
            if front * size > self.before:  # the first axis that reaches behind what is in front
                outer, inner = self.before // front, front * size // (self.before * self.examples)
                whole = outer * front == self.before and outer * self.examples * inner == size
                return (axis, outer, inner) if whole else None
            front *= size
        return None

    def view(self, tensor: Tensor) -> Tensor:
        """Returns a tensor that has the examples here as `[before, examples, after]`."""
        return tensor.reshape(self.before, self.examples, self.after)


@dataclass(frozen=True)
class Cut:
    """An edge of the graph that one task alone reaches; what is below it acts per example.

    The gradients at all cuts come from one pass of the sum of all losses, since each is the
    gradient of one task. None of them depends on another.

    Attributes:
        task: the one.
        node: whose output it is.
        output: which of the outputs.
        place: of the examples, which come first.
    """

    task: str
    node: Any
    output: int
    place: Place

    @property
    def edge(self) -> GradientEdge:
        """To differentiate with respect to, and from."""
        return GradientEdge(self.node, self.output)


@dataclass(frozen=True)
class Use:
    """A node that uses shared parameters, in a way in which their gradient is a sum over examples.

    Kinds, with D the gradient at the output:

    - "linear": `AddmmBackward0` and `MmBackward0`; the weight is the second factor, X is
      `_saved_mat1` or `_saved_self`. `BmmBackward0` likewise, with one matrix for each entry of
      axis 0, which is in `before`.
    - "addition": the gradient is D, summed to the shape of the operand: `AddBackward0` and
      `ExpandBackward0`.
    - "scaling": the gradient is D times the other factor, summed to the shape of the operand:
      `MulBackward0`, and `AddcmulBackward0` for the factors of its product.
    - "layer_norm", "group_norm", "batch_norm" (with running statistics), "convolution",
      "embedding": as their nodes say.

    Attributes:
        kind: one of those.
        node: of the graph.
        parameters: `{position among the inputs of the node: parameter}`. The node may see it
            through others that put its entries in another order: ``node.next_functions[position]``
            is the edge at which the gradient has the layout of the operand.
        output: the place of the examples in the output.
        input: their place in the tensor that the parameters meet: X, the inputs of a norm or of a
            convolution, the indices of an embedding. None for additions and scalings.
        computed: `{position: parameters}` of inputs that are computed from parameters and are the
            same for all examples, such as a weight that is normalised, or a part of one. The
            gradient at that edge is the sum over the examples; what is below takes it on.
    """

    kind: Kind
    node: Any
    parameters: Mapping[int, Tensor]
    output: Place
    input: Place | None = None
    computed: Mapping[int, Sequence[Tensor]] = field(default_factory=dict)

    @property
    def positions(self) -> list[int]:
        """The positions of the inputs whose gradients are wanted, ascending."""
        return sorted({*self.parameters, *self.computed})

    @property
    def reaches(self) -> list[Tensor]:
        """All parameters that these inputs are, or are computed from."""
        return [*self.parameters.values(), *(p for some in self.computed.values() for p in some)]

    @property
    def edge(self) -> GradientEdge:
        """At which the gradient D is needed."""
        return GradientEdge(self.node, 0)


@dataclass(frozen=True)
class PerExample:
    """A graph that acts on each example alone, between the cuts and the shared parameters.

    What comes back at example i of any edge below the cuts depends on what was fed in at example i
    alone, and nothing else: so the gradients of several tasks can share a pass where they have no
    example in common.

    Attributes:
        cuts: in the order of the nodes; empty if no parameter is reached by two tasks.
        uses: of the parameters that two tasks reach at least; a parameter may be used several
            times, by one node or by several.
        alone: `(parameter, task)` of the shared parameters that one task alone reaches in this
            graph. The pass of the sum of all losses has their gradient, which is that of the task.
        by_row: whether one pass may carry a row for each label, as `LabelRows`.
    """

    cuts: list[Cut]
    uses: list[Use]
    alone: list[tuple[Tensor, str]]
    by_row: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why the gradients cannot be split by example.

    Attributes:
        node: the name of the node, such as "NativeBatchNormBackward0"; "" if it is no single node.
        why: continues a sentence that begins with the node, or is one of its own without a node.
        parameters: those that the node itself uses; if it has none, the nearest that it depends on,
            so that the module can be named; empty if there are none.
        inside: whether the node itself uses them.
    """

    node: str
    why: str
    parameters: Sequence[Tensor] = ()
    inside: bool = False

    @classmethod
    def at(cls, node: Any, why: str) -> Refusal:
        """Returns the refusal of a node of the graph, with the parameters nearest to it."""
        edges = node.next_functions or [(node, 0)]
        ends = [seen_through(edge)[0] for edge in edges]
        used = [leaf for end in ends if (leaf := leaf_of(end)) is not None]
        return cls(name_of(node), why, used or _below(node), bool(used))


def name_of(node: Any) -> str:
    """Returns the name of a node, without the space of names that it is from.

    Example:
        >>> import torch
        >>> name_of(torch.ones(1, requires_grad=True).exp().grad_fn.next_functions[0][0])
        'AccumulateGrad'
    """
    name: str = node.name()
    return name.rpartition("::")[2]


def seen_through(edge: Edge) -> Edge:
    """Returns the first edge below that does more than put the entries in another order."""
    while edge[0] is not None and edge[0].name() in REORDERS:
        edge = edge[0].next_functions[0]
    return edge


def leaf_of(node: Any) -> Tensor | None:
    """Returns the leaf tensor that a node stands for, if it is the end of the graph there."""
    found: Tensor | None = getattr(node, "variable", None)
    return None if node is None or node.next_functions else found


def _below(node: Any) -> list[Tensor]:
    """Returns the leaves that are the fewest nodes below."""
    level, seen = [node], {node}
    while level:
        level = [child for each in level for child, _ in each.next_functions if child is not None]
        level = [child for child in dict.fromkeys(level) if child not in seen]
        seen.update(level)
        leaves = [leaf for child in level if (leaf := leaf_of(child)) is not None]
        if leaves:
            return leaves
    return []
