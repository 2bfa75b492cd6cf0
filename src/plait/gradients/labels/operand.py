"""An input of a node, and where the examples lie in it if they lie somewhere in the output."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from plait.gradients.labels.places import Place


class Mixed(Exception):
    """The examples act on each other, or nothing proves that they do not; says why."""


@dataclass(slots=True)
class Operand:
    """An input of a node, of whose output one knows where the examples lie.

    Attributes:
        node: of the graph.
        position: among the inputs of the node.
        shape: of the input.
        output: the shape of the output.
        place: of the examples in the output.
    """

    node: Any
    position: int
    shape: tuple[int, ...]
    output: tuple[int, ...]
    place: Place

    @property
    def axis(self) -> tuple[int, int, int]:
        """`(axis, outer, inner)` of the examples in the output, as of `Place.axis`."""
        return self.axis_in(self.output)

    def axis_in(self, output: Sequence[int]) -> tuple[int, int, int]:
        """Returns `(axis, outer, inner)` of the examples in a shape of the same row-major order.

        Raises:
            Mixed: they are spread over several axes.
        """
        found = self.place.axis(output)
        if found is None:
            raise Mixed("is given a tensor in which several axes together are the examples")
        return found

    def across(
        self,
        acted: Collection[int],
        shape: Sequence[int] | None = None,
        output: Sequence[int] | None = None,
    ) -> Place:
        """Returns the place in the input, where the node acts along some axes alone.

        The entries of every other axis are kept apart and in order.

        Args:
            acted: those axes, counted from the front.
            shape: of the input with axes of size 1 where it lacks some.
            output: the shape of the output, likewise.

        Raises:
            Mixed: one of them has the examples, or another axis changes.
        """
        shape = self.shape if shape is None else shape
        output = self.output if output is None else output
        axis, outer, inner = self.axis_in(output)
        if axis in acted:
            raise Mixed("acts along the axis of the examples")
        same = len(shape) == len(output) and all(
            size == out
            for place, (size, out) in enumerate(zip(shape, output, strict=True))
            if place not in acted
        )
        if not same:
            raise Mixed("changes the size of an axis along which it is not known to act")
        return Place(
            prod(shape[:axis]) * outer, self.place.examples, inner * prod(shape[axis + 1 :])
        )

    def axes(self, field: str, count: int) -> list[int]:
        """Returns axes that the node saved, counted from the front; all where it names none.

        Args:
            field: of the node, one number or several.
            count: of axes in the tensor that they are of.
        """
        saved = getattr(self.node, field)
        found = [saved] if isinstance(saved, int) else list(saved or range(count))
        return [_signed(each) % count for each in found]


def _signed(number: int) -> int:
    """Returns a saved number, which autograd shows without its sign."""
    return number - (1 << 64) if number >= 1 << 63 else number
