"""The part of the tasks' gradients that comes from one use of parameters, label by label."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import prod

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.gramian import gramian
from plait.gradients.labels.places import Place, Use
from plait.gradients.labels.ranks import Ranks


class LabelLayer(ABC):
    """The parameters that one node of the graph uses, seen by label.

    Below the heads each example goes its own way, so that the gradient of a task at the parameters
    is a sum over its labels, ``A_t = sum_n a(x_e(n), d_n)``, with x the input of the label's
    example and d the gradient of its task at the output for this example. D `[N, ...]` holds d of
    all labels, each in the shape that `by_example` gives an example.

    Attributes:
        operands: where the gradients of `row` and `weighted` go, in their order.
        explicit: multiply-adds of the gradient of a task that has every label.
    """

    operands: list[GradientEdge]
    explicit: float

    @abstractmethod
    def operations(self, ranks: Ranks) -> float:
        """Returns the multiply-adds of `gramian`."""

    @abstractmethod
    def row(self, found: Tensor, ranks: Ranks, task: int) -> list[Tensor]:
        """Returns the gradient of one task at each operand.

        Args:
            found: D.
            ranks: of the labels.
            task: its number.
        """

    @abstractmethod
    def gramian(self, found: Tensor, ranks: Ranks, dtype: torch.dtype) -> Tensor:
        """Returns the inner products of the tasks' gradients, `[T, T]`, float64.

        Args:
            found: D.
            ranks: of the labels.
            dtype: in which they are multiplied, at least.
        """

    @abstractmethod
    def weighted(self, found: Tensor, ranks: Ranks, weights: Tensor) -> list[Tensor]:
        """Returns the weighted sum of the tasks' gradients at each operand.

        Args:
            found: D.
            ranks: of the labels.
            weights: `[T]`, of a precision in which the sum is taken, at least.
        """


class Contributions(LabelLayer):
    """Takes what each label adds, which is as small as a bias or a scale.

    Args:
        operands: where it goes.
        shapes: of the operands.
        each: from d `[n, ...]` of some labels, and their examples `[n]`, to what each adds,
            `[n, *shape]`, for every operand.
        size: numbers in d of one label.
    """

    def __init__(
        self,
        operands: list[GradientEdge],
        shapes: Sequence[torch.Size],
        each: Callable[[Tensor, Tensor], list[Tensor]],
        size: int,
    ) -> None:
        self.operands = operands
        self.shapes = shapes
        self.each = each
        self.size = size
        self.explicit = 0.0  # they are sums

    def operations(self, ranks: Ranks) -> float:
        """Counts the sums over positions, and the products of short rows."""
        width = sum(map(prod, self.shapes))
        return float(ranks.labels * (self.size + width) + len(ranks.tasks) ** 2 * width)

    def row(self, found: Tensor, ranks: Ranks, task: int) -> list[Tensor]:
        """Adds up what the labels of the task add."""
        own = ranks.slices[task]
        return [added.sum(0) for added in self.each(found[own], ranks.example[own])]

    def gramian(self, found: Tensor, ranks: Ranks, dtype: torch.dtype) -> Tensor:
        """Adds up by task, all tasks at once."""
        added = self._flat(found, ranks.example)
        rows = added.new_zeros(len(ranks.tasks), added.shape[1])
        return gramian(rows.index_add_(0, ranks.task, added), dtype)

    def weighted(self, found: Tensor, ranks: Ranks, weights: Tensor) -> list[Tensor]:
        """Adds up what all labels add, each by the weight of its task."""
        by_label = weights[ranks.task]
        total = by_label @ self._flat(found, ranks.example).to(by_label)
        widths = [prod(shape) for shape in self.shapes]
        return [
            each.view(shape)
            for each, shape in zip(torch.split(total, widths), self.shapes, strict=True)
        ]

    def _flat(self, found: Tensor, example: Tensor) -> Tensor:
        """Returns the gradients of labels at all operands, side by side, `[n, width]`."""
        added = self.each(found, example)
        flat = [one.reshape(len(one), prod(s)) for one, s in zip(added, self.shapes, strict=True)]
        return torch.cat(flat, dim=1)


def by_example(tensor: Tensor, place: Place) -> Tensor:
    """Moves the examples of a tensor, which lie within one axis, to the front.

    Returns:
        `[B, ...]`: the axes of `tensor`, the examples taken out of theirs.

    Example:
        >>> by_example(torch.arange(12).view(2, 3, 2), Place(2, 3, 2))[1].tolist()
        [[[2, 3]], [[8, 9]]]
    """
    shape = by_example_shape(tensor.shape, place)
    assert shape is not None
    return place.view(tensor).transpose(0, 1).reshape(shape)


def by_example_shape(shape: Sequence[int], place: Place) -> tuple[int, ...] | None:
    """Returns the shape that `by_example` gives; None where the examples have no single axis."""
    found = place.axis(shape)
    if found is None:
        return None
    axis, outer, inner = found
    return (place.examples, *shape[:axis], outer * inner, *shape[axis + 1 :])


def operands_of(use: Use) -> dict[int, GradientEdge]:
    """Returns `{position among the inputs: the edge at which a parameter enters}`."""
    return {
        position: GradientEdge(*use.node.next_functions[position]) for position in use.positions
    }


def shape_of(edge: GradientEdge) -> torch.Size:
    """Returns the shape of the gradient at an edge."""
    return torch.Size(edge.node._input_metadata[edge.output_nr].shape)


def summed(found: Tensor, ranks: Ranks, weights: Tensor) -> Tensor:
    """Returns the gradients of all labels added up by example, `[B, ...]`.

    Args:
        found: D `[N, ...]`.
        ranks: of the labels.
        weights: `[T]`, how much each task counts; the sum has their dtype.
    """
    each = weighed(found, ranks, weights)
    return each.new_zeros(ranks.examples, *each.shape[1:]).index_add_(0, ranks.example, each)


def weighed(found: Tensor, ranks: Ranks, weights: Tensor) -> Tensor:
    """Returns the gradients of all labels, each times the weight of its task, `[N, ...]`."""
    return found * weights[ranks.task].view(-1, *(1 for _ in found.shape[1:]))
