"""The nodes of the autograd graph that act on each example alone, and the axis of the examples.

A rule takes an input of a node, and the place of the examples in the node's output. It returns
their place in the input, so that the gradient at an example of the input depends on the gradient at
that example of the output alone; or None if the input has no axis of the examples, such as a
weight. It raises `Mixed` where this does not hold. A node without a rule is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from plait.gradients.labels.moves import (
    broadcast,
    pad,
    permute,
    repeat,
    same,
    stack,
    take,
    take_listed,
    take_one,
    transpose,
    turn,
    view,
)
from plait.gradients.labels.operand import Mixed, Operand
from plait.gradients.labels.places import Place

Rule = Callable[[Operand], Place | None]


def along(operand: Operand) -> Place:
    """Acts along the axis that it saved, such as a softmax."""
    return operand.across(operand.axes("_saved_dim", len(operand.output)))


def along_several(operand: Operand) -> Place:
    """Acts along the axes that it saved, such as `flip`."""
    return operand.across(operand.axes("_saved_dims", len(operand.output)))


def reduction(operand: Operand) -> Place:
    """Makes one entry of the axes that it saved."""
    axes = operand.axes("_saved_dim", len(operand.shape))
    kept = [1 if axis in axes else size for axis, size in enumerate(operand.shape)]
    if prod(kept) != operand.place.count:
        raise Mixed("reduces other axes than those that it saved")
    return operand.across(axes, output=kept)


def product(first: int) -> Rule:
    """Returns the rule of a product of matrices, or of two stacks of them.

    Args:
        first: position of the first factor, which the second follows. What is in front is added.
    """

    def rule(operand: Operand) -> Place | None:
        if operand.position < first:
            return broadcast(operand)
        count = len(operand.output)
        # The axis of the output that the other factor brings; in this one it is summed over
        other = count - 1 if operand.position == first else count - 2
        return None if operand.axis[0] == other else operand.across({other})

    return rule


def matrix_vector(operand: Operand) -> Place | None:
    """The product of a matrix and a vector."""
    if operand.position == 1:
        return None
    return operand.across({1}, output=[*operand.output, 1])


def attention(operand: Operand) -> Place:
    """Queries, keys and values `[B, heads, positions, width]`; a bias is not known."""
    if operand.position > 2:
        raise Mixed("learns a bias of the attention")
    return operand.across({1, 2, 3})


def last(count: int) -> Rule:
    """Returns the rule of a node that acts along the last `count` axes, such as pooling."""

    def rule(operand: Operand) -> Place:
        axes = len(operand.output)
        return operand.across(set(range(axes - count, axes)))

    return rule


def channels(operand: Operand) -> Place:
    """Acts along axis 1."""
    return operand.across({1})


def patches(operand: Operand) -> Place:
    """From `[B, C, H, W]` to the numbers of patches `[B, numbers, patches]`, or back."""
    axis, outer, inner = operand.axis
    if axis != 0 or {len(operand.shape), len(operand.output)} != {3, 4}:
        raise Mixed("acts along the axis of the examples")
    if operand.shape[0] != operand.output[0]:
        raise Mixed("changes the count of the examples")
    return Place(outer, operand.place.examples, inner * prod(operand.shape[1:]))


def convolution(operand: Operand) -> Place | None:
    """Images `[B, C, ...]`; weight and bias meet all of them."""
    _first_axis(operand)
    axes = set(range(1, len(operand.output)))
    return operand.across(axes) if operand.position == 0 else None


def layer_norm(operand: Operand) -> Place | None:
    """Normalises along the last axes; weight and bias meet all examples."""
    axes = len(operand.output)
    normalised = range(axes - len(operand.node._saved_normalized_shape), axes)
    if operand.axis[0] in normalised:
        raise Mixed("normalises over the examples")
    return same(operand) if operand.position == 0 else None


def group_norm(operand: Operand) -> Place | None:
    """Normalises along all axes but the first."""
    _first_axis(operand)
    return same(operand) if operand.position == 0 else None


def batch_norm(operand: Operand) -> Place | None:
    """Normalises by channel, with running statistics or with those of the batch.

    Where the channels of all examples are told apart, as in InstanceNorm, the statistics are those
    of one example.
    """
    if operand.axis[0] == 1 and operand.position == 0:
        return same(operand)
    if operand.node._saved_training:
        raise Mixed("normalises with statistics over the examples of the batch")
    _first_axis(operand)
    return same(operand) if operand.position == 0 else None


def embedding(operand: Operand) -> None:
    """Each index of the batch names an entry of the table."""
    if operand.node._saved_scale_grad_by_freq:
        raise Mixed("scales gradients by how often the whole batch names an entry")
    if operand.node._saved_sparse:
        raise Mixed("has sparse gradients")
    if operand.axis[0] == len(operand.output) - 1:
        raise Mixed("has entries in the axis of the examples")


def _first_axis(operand: Operand) -> None:
    if operand.axis[0] != 0:
        raise Mixed("does not have the examples in its first axis")


def _nodes(rule: Rule, names: str) -> dict[str, Rule]:
    """Returns the rule by the names of nodes: "Relu" is ReluBackward0, "Add:1" is AddBackward1."""
    pairs = (each.partition(":") for each in names.split())
    return {f"{name}Backward{number or 0}": rule for name, _, number in pairs}


RULES: dict[str, Rule] = {
    **_nodes(
        same,
        "Abs Acos Acosh Add:1 Alias Asin Asinh Atan Atanh Celu Clamp:1 ClampMax ClampMin Clone Cos "
        "Cosh Div:1 Elu Erf Erfc Erfinv Exp Exp2 Expm1 Gelu Hardshrink Hardsigmoid Hardswish "
        "Hardtanh LeakyRelu Log Log10 Log1P Log2 LogSigmoid Logit MaskedFill Mish Mul:1 NanToNum "
        "NativeDropout Neg Pow Pow:2 Reciprocal Relu RreluWithNoise Rsqrt Rsub:1 Sigmoid Silu Sin "
        "Sinh Softplus Softshrink Sqrt Sub:1 Tan Tanh Threshold ToCopy",
    ),
    **_nodes(
        broadcast,
        "Add Addcdiv Addcmul Atan2 Clamp Div Expand Hypot Lerp Lerp:1 Logaddexp MaskedFill:1 "
        "Maximum Minimum Mul Pow:1 PreluKernel Rsub Sub Where",
    ),
    **_nodes(view, "ReshapeAlias Squeeze Squeeze:1 Squeeze:2 UnsafeView Unsqueeze View"),
    **_nodes(transpose, "Transpose Transpose:1"),
    **_nodes(permute, "Permute"),
    **_nodes(turn, "T"),
    **_nodes(repeat, "Repeat"),
    **_nodes(take, "Cat Gather IndexSelect Slice Sort Split SplitWithSizes Topk UnsafeSplit"),
    **_nodes(take_one, "Select Unbind"),
    **_nodes(take_listed, "Index"),
    **_nodes(stack, "Stack"),
    **_nodes(pad, "ConstantPadNd"),
    **_nodes(along, "Cumprod Cumsum Glu LogSoftmax SafeSoftmax Softmax"),
    **_nodes(along_several, "Flip Roll"),
    **_nodes(reduction, "Amax Amin LinalgVectorNorm Logsumexp Max Mean:1 Min Prod:1 Std Sum:1 Var"),
    **_nodes(product(0), "Bmm Mm"),
    **_nodes(product(1), "Addmm Baddbmm"),
    **_nodes(matrix_vector, "Mv"),
    **_nodes(attention, "ScaledDotProductEfficientAttention ScaledDotProductFlashAttentionForCpu"),
    **_nodes(last(1), "ReflectionPad1D ReplicationPad1D UpsampleLinear1D UpsampleNearest1D"),
    **_nodes(
        last(2),
        "AdaptiveAvgPool2D AdaptiveMaxPool2D AvgPool2D MaxPool2DWithIndices ReflectionPad2D "
        "ReplicationPad2D UpsampleBicubic2D UpsampleBilinear2D UpsampleBilinear2DAa "
        "UpsampleNearest2D",
    ),
    **_nodes(
        last(3),
        "AdaptiveAvgPool3D AvgPool3D MaxPool3DWithIndices PixelShuffle PixelUnshuffle "
        "UpsampleNearest3D UpsampleTrilinear3D",
    ),
    **_nodes(channels, "ChannelShuffle"),
    **_nodes(patches, "Col2Im Im2Col"),
    **_nodes(convolution, "Convolution"),
    **_nodes(layer_norm, "NativeLayerNorm"),
    **_nodes(group_norm, "NativeGroupNorm"),
    **_nodes(batch_norm, "NativeBatchNorm"),
    **_nodes(embedding, "Embedding"),
}
SEVERAL_OUTPUTS = set(
    _nodes(take, "Split SplitWithSizes Unbind UnsafeSplit")
)  # the others have one of use
