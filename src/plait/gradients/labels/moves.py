"""The place of the examples in the input of a node that only moves numbers.

Each function takes an `Operand`, and returns the place in it; None if it has no axis of the
examples, so that all of them meet the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from plait.gradients.labels.operand import Mixed, Operand
from plait.gradients.labels.places import Place


def same(operand: Operand) -> Place:
    """Each number of the output comes from the one in its place."""
    if operand.shape != operand.output:
        raise Mixed("changes the shape of its input")
    return operand.place


def view(operand: Operand) -> Place:
    """Row-major order is kept, whatever the shape."""
    if prod(operand.shape) != operand.place.count:
        raise Mixed("changes the count of the numbers")
    return operand.place


def broadcast(operand: Operand) -> Place | None:
    """Inputs are aligned from the right, and repeated where they have one entry or no axis."""
    if operand.shape == operand.output:
        return operand.place
    shape = _padded(operand.shape, len(operand.output))
    pairs = list(zip(shape, operand.output, strict=True))
    if any(size not in (1, out) for size, out in pairs):
        raise Mixed("is given shapes that do not fit")
    repeated = {axis for axis, (size, out) in enumerate(pairs) if size != out}
    return None if operand.axis[0] in repeated else operand.across(repeated, shape)


def transpose(operand: Operand) -> Place:
    """Two axes change places."""
    count = len(operand.output)
    dims = list(range(count))
    (first,), (second,) = operand.axes("_saved_dim0", count), operand.axes("_saved_dim1", count)
    dims[first], dims[second] = dims[second], dims[first]
    return _permuted(operand, dims)


def permute(operand: Operand) -> Place:
    """The axes come in another order."""
    return _permuted(operand, operand.axes("_saved_dims", len(operand.output)))


def turn(operand: Operand) -> Place:
    """A matrix is transposed; a vector stays as it is."""
    return _permuted(operand, list(range(len(operand.output)))[::-1])


def _permuted(operand: Operand, dims: Sequence[int]) -> Place:
    """Axis a of the output is axis ``dims[a]`` of the input."""
    shape, place = operand.shape, operand.place
    axis, outer, inner = operand.axis
    if operand.output != tuple(shape[dim] for dim in dims):
        raise Mixed("changes the shape in a way that is not known")
    return Place(
        prod(shape[: dims[axis]]) * outer, place.examples, inner * prod(shape[dims[axis] + 1 :])
    )


def repeat(operand: Operand) -> Place:
    """Whole axes are repeated, one copy after the other."""
    shape = _padded(operand.shape, len(operand.output))
    repeats = operand.node._saved_repeats
    return operand.across({axis for axis, times in enumerate(repeats) if times != 1}, shape)


def take(operand: Operand) -> Place:
    """Entries of one axis are taken, more than one or one: `slice`, `split`, `index_select`."""
    return operand.across(operand.axes("_saved_dim", len(operand.shape)))


def take_one(operand: Operand) -> Place:
    """One entry of an axis is taken, and the axis is dropped: `select`, `unbind`."""
    (axis,) = operand.axes("_saved_dim", len(operand.shape))
    kept = [*operand.shape[:axis], 1, *operand.shape[axis + 1 :]]
    return operand.across({axis}, output=kept)


def take_listed(operand: Operand) -> Place:
    """Entries of one axis are taken by a list of numbers: ``x[:, [2, 0]]``."""
    listed = [axis for axis, by in enumerate(operand.node._saved_indices) if by is not None]
    if len(listed) != 1 or operand.node._saved_indices[listed[0]].dim() != 1:
        raise Mixed("takes entries by several lists, or by one of several axes")
    return operand.across(set(listed))


def stack(operand: Operand) -> Place:
    """The inputs become the entries of a new axis."""
    (axis,) = operand.axes("_saved_dim", len(operand.output))
    return operand.across({axis}, [*operand.shape[:axis], 1, *operand.shape[axis:]])


def pad(operand: Operand) -> Place:
    """Constants are put around the last axes."""
    padded = len(operand.node._saved_pad) // 2
    count = len(operand.output)
    return operand.across(set(range(count - padded, count)))


def _padded(shape: tuple[int, ...], count: int) -> list[int]:
    """Returns a shape of `count` axes, with axes of size 1 in front."""
    if len(shape) > count:
        raise Mixed("drops axes of its input")
    return [1] * (count - len(shape)) + list(shape)
