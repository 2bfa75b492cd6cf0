"""The ways of using a parameter in which its gradient is known as a sum over the examples."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from plait.gradients.labels.operand import Mixed, Operand
from plait.gradients.labels.places import Kind, Place

Found = tuple[Kind, Place | None]


def kind_of(operand: Operand) -> Found:
    """Returns `(kind, place of the examples in the input)`, as `Use` has them.

    Args:
        operand: an input of a node, without an axis of the examples by the node's rule.

    Raises:
        Mixed: it is used in another way.
    """
    find = _KINDS.get(operand.node.name())
    if find is None:
        raise Mixed("uses a parameter in a way whose gradient is not known by example")
    return find(operand)


def _addition(operand: Operand) -> Found:
    if getattr(operand.node, "_saved_alpha", 1) != 1:
        raise Mixed("adds a parameter with another factor than 1")
    return "addition", None


def _scaling(operand: Operand) -> Found:
    return "scaling", None


def _scaling_within_a_sum(operand: Operand) -> Found:
    """``sum + y * parameter``."""
    if operand.position == 0:
        raise Mixed("adds products to a parameter")
    if operand.node._saved_value != 1:
        raise Mixed("adds a product with another factor than 1")
    return "scaling", None


def _affine(operand: Operand) -> Found:
    """``bias + x @ weight``, x `[N, I]` and weight `[I, O]`."""
    node = operand.node
    if node._saved_alpha != 1 or node._saved_beta != 1:
        raise Mixed("adds a product with another factor than 1")
    if operand.position == 0 and operand.shape != operand.output[1:]:
        raise Mixed("adds a parameter to a product that is not `[outputs]`")
    return _product(operand, left=1, inputs=node._saved_mat1_sym_sizes[1])


def _linear(operand: Operand) -> Found:
    """``x @ weight``, x `[..., N, I]` and weight `[..., I, O]`."""
    return _product(operand, left=0, inputs=operand.shape[-2])


def _product(operand: Operand, left: int, inputs: int) -> Found:
    axis, outer, inner = operand.axis
    if operand.position == left:
        raise Mixed("has a parameter as the first factor of a product")
    front = prod(operand.output[:axis])
    return "linear", Place(front * outer, operand.place.examples, inner * inputs)


def _normalisation(kind: Kind) -> Callable[[Operand], Found]:
    return lambda operand: (kind, operand.place)


def _convolution(operand: Operand) -> Found:
    shape = operand.node._saved_input.shape
    _, outer, inner = operand.axis
    return "convolution", Place(outer, operand.place.examples, inner * prod(shape[1:]))


def _embedding(operand: Operand) -> Found:
    place = operand.place
    return "embedding", Place(place.before, place.examples, place.after // operand.output[-1])


_KINDS: dict[str, Callable[[Operand], Found]] = {
    "AddBackward0": _addition,
    "AddcmulBackward0": _scaling_within_a_sum,
    "AddmmBackward0": _affine,
    "BmmBackward0": _linear,
    "ConvolutionBackward0": _convolution,
    "EmbeddingBackward0": _embedding,
    "ExpandBackward0": _addition,
    "MmBackward0": _linear,
    "MulBackward0": _scaling,
    "NativeBatchNormBackward0": _normalisation("batch_norm"),
    "NativeGroupNormBackward0": _normalisation("group_norm"),
    "NativeLayerNormBackward0": _normalisation("layer_norm"),
}
