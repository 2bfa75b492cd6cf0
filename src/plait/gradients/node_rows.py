"""The short rows of what autograd records: one function for each kind of node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from plait.gradients.short_rows import Explicit, ShortRow, product

Uses = Mapping[int, Tensor]  # {position among the node's inputs: parameter}


def short_row(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """Returns the short row of parameters that a node uses, or None if it has none.

    It may stand for some of the parameters only. There is none for an unknown operation, half
    precision (its rounding would not be that of the gradient), nor where the saved tensors are
    not at hand, as in checkpointing.

    Args:
        node: of the autograd graph.
        uses: its inputs that are parameters.
        tasks: how many tasks there are.
    """
    build = KINDS.get(node.name())
    if build is None or _has_hooks(node):
        return None
    dtypes = {node._input_metadata[0].dtype, *(parameter.dtype for parameter in uses.values())}
    if len(dtypes) > 1 or not dtypes <= {torch.float32, torch.float64}:
        return None
    return build(node, uses, tasks)


def _has_hooks(node: Any) -> bool:
    """Returns whether reading what the node saved would run code, such as a forward pass."""
    saved = [getattr(node, name) for name in dir(node) if name.startswith("_raw_saved_")]
    return any(getattr(each, "unpack_hook", None) is not None for each in saved)


def _linear(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """``bias + x @ weight``, of `[N, I]` and `[I, O]`."""
    if node._saved_alpha != 1 or node._saved_beta != 1:
        return None
    outputs = node._input_metadata[0].shape[1]
    bias = [uses[0]] if 0 in uses and uses[0].shape == (outputs,) else []
    if 2 in uses:
        inputs = node._saved_mat1.detach()
        return product([uses[2], *bias], inputs, outputs, _same, tasks)
    if bias:
        return Explicit(bias, lambda gradient: [gradient.sum(dim=0)], outputs, 0.0)
    return None


def _matrix_product(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """``x @ weight``."""
    if 1 not in uses:
        return None
    outputs = node._input_metadata[0].shape[1]
    return product([uses[1]], node._saved_self.detach(), outputs, _same, tasks)


def _convolution(node: Any, uses: Uses, tasks: int) -> ShortRow:
    """Of any number of dimensions; unfolded where that leaves fewer numbers."""
    inputs, weight = node._saved_input.detach(), node._saved_weight.detach()
    shape = node._input_metadata[0].shape
    count = prod([shape[0], *shape[2:]])
    plain = weight.dim() == 4 and node._saved_groups == 1 and not node._saved_transposed
    if 1 in uses and plain and count < weight[0].numel():
        columns = F.unfold(
            inputs,
            weight.shape[2:],
            dilation=node._saved_dilation,
            padding=node._saved_padding,
            stride=node._saved_stride,
        )
        return product(
            [uses[position] for position in (1, 2) if position in uses],
            columns.mT.flatten(0, 1),
            shape[1],
            lambda gradient: gradient.flatten(2).mT.flatten(0, 1),
            tasks,
        )
    mask = [False, 1 in uses, 2 in uses]
    sizes = [weight.shape[0] if not node._saved_transposed else shape[1]]

    def gradients(gradient: Tensor) -> list[Tensor]:
        found = torch.ops.aten.convolution_backward(
            gradient,
            inputs,
            weight,
            sizes,
            node._saved_stride,
            node._saved_padding,
            node._saved_dilation,
            node._saved_transposed,
            node._saved_output_padding,
            node._saved_groups,
            mask,
        )
        return [each for each in found if each is not None]

    pixels = prod(inputs.shape[2:]) if node._saved_transposed else prod(shape[2:])
    operations = float(shape[0] * pixels * weight.numel()) if 1 in uses else 0.0
    return _explicit(uses, gradients, operations)


def _embedding(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """Only the entries that the batch names."""
    if node._saved_scale_grad_by_freq:
        return None
    indices = node._saved_indices.flatten()
    kept = indices != node._saved_padding_idx if node._saved_padding_idx < 1 << 63 else None
    named, place = (indices if kept is None else indices[kept]).unique(return_inverse=True)
    size = uses[0].shape[1]

    def gradients(gradient: Tensor) -> list[Tensor]:
        flat = gradient.reshape(-1, size)
        total = flat.new_zeros(len(named), size)
        return [total.index_add_(0, place, flat if kept is None else flat[kept])]

    return Explicit([uses[0]], gradients, len(named) * size, float(len(indices) * size))


def _layer_norm(node: Any, uses: Uses, tasks: int) -> ShortRow:
    def gradients(gradient: Tensor) -> list[Tensor]:
        found = torch.ops.aten.native_layer_norm_backward(
            gradient,
            node._saved_input,
            node._saved_normalized_shape,
            node._saved_result1,
            node._saved_result2,
            node._saved_weight,
            node._saved_bias,
            [False, 1 in uses, 2 in uses],
        )
        return [each for each in found if each is not None]

    return _explicit(uses, gradients)


def _batch_norm(node: Any, uses: Uses, tasks: int) -> ShortRow:
    def gradients(gradient: Tensor) -> list[Tensor]:
        found = torch.ops.aten.native_batch_norm_backward(
            gradient,
            node._saved_input,
            node._saved_weight,
            node._saved_running_mean,
            node._saved_running_var,
            node._saved_result1,
            node._saved_result2,
            node._saved_training,
            node._saved_eps,
            [False, 1 in uses, 2 in uses],
        )
        return [found[position] for position in (1, 2) if position in uses]

    return _explicit(uses, gradients)


def _group_norm(node: Any, uses: Uses, tasks: int) -> ShortRow:
    def gradients(gradient: Tensor) -> list[Tensor]:
        found = torch.ops.aten.native_group_norm_backward(
            gradient.contiguous(),
            node._saved_input.contiguous(),
            node._saved_result1,
            node._saved_result2,
            node._saved_weight,
            node._saved_N,
            node._saved_C,
            node._saved_HxW,
            node._saved_group,
            [False, 1 in uses, 2 in uses],
        )
        return [each for each in found if each is not None]

    return _explicit(uses, gradients)


def _sum(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """``x + parameter``, with broadcasting: a bias, or an embedding of positions."""
    if node._saved_alpha != 1:
        return None
    return _broadcast(node, uses, lambda gradient, position: gradient)


def _scaling(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """``x * parameter``, with broadcasting, as in RMSNorm."""
    return _broadcast(
        node,
        uses,
        lambda gradient, position: gradient * (node._saved_self if position else node._saved_other),
    )


def _broadcast(node: Any, uses: Uses, chain: Callable[[Tensor, int], Tensor]) -> ShortRow | None:
    """Sums over what was repeated; a parameter that is seen through a view has another shape."""
    seen = {
        position: parameter
        for position, parameter in uses.items()
        if hasattr(node.next_functions[position][0], "variable")
    }

    def gradients(gradient: Tensor) -> list[Tensor]:
        return [chain(gradient, position).sum_to_size(p.shape) for position, p in seen.items()]

    return _explicit(seen, gradients) if seen else None


def _explicit(
    uses: Uses, gradients: Callable[[Tensor], list[Tensor]], operations: float = 0.0
) -> Explicit:
    parameters = [uses[position] for position in sorted(uses)]
    return Explicit(parameters, gradients, sum(p.numel() for p in parameters), operations)


def _same(gradient: Tensor) -> Tensor:
    return gradient


KINDS: dict[str, Callable[[Any, Uses, int], ShortRow | None]] = {
    "AddBackward0": _sum,
    "AddmmBackward0": _linear,
    "ConvolutionBackward0": _convolution,
    "EmbeddingBackward0": _embedding,
    "MmBackward0": _matrix_product,
    "MulBackward0": _scaling,
    "NativeBatchNormBackward0": _batch_norm,
    "NativeGroupNormBackward0": _group_norm,
    "NativeLayerNormBackward0": _layer_norm,
}
