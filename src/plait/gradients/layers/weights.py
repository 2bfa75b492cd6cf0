"""Short rows of weights: linear layers, convolutions and embeddings, from the nodes of autograd."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from plait.gradients.layers.short_row import (
    Explicit,
    Product,
    Root,
    ShortRow,
    Uses,
    is_root_cheaper,
)

Size = tuple[int, ...]


def linear(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """Returns the short row of ``bias + x @ weight``, x `[N, I]` and weight `[I, O]`.

    None for other factors than 1, and for a bias alone that is seen through a view.
    """
    if node._saved_alpha != 1 or node._saved_beta != 1:
        return None
    outputs = node._input_metadata[0].shape[1]
    direct = hasattr(node.next_functions[0][0], "variable")  # not through a view of another shape
    bias = [uses[0]] if 0 in uses and direct and uses[0].shape == (outputs,) else []
    if 2 in uses:
        return _product([uses[2], *bias], node._saved_mat1.detach(), outputs, tasks)
    if bias:
        return Explicit(bias, lambda gradient: [gradient.sum(dim=0)], outputs, 0.0)
    return None


def matrix_product(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """Returns the short row of ``x @ weight``; None if the parameter is on the left."""
    outputs = node._input_metadata[0].shape[1]
    return _product([uses[1]], node._saved_self.detach(), outputs, tasks) if 1 in uses else None


def _product(parameters: list[Tensor], inputs: Tensor, outputs: int, tasks: int) -> Product:
    shape = (len(inputs), inputs.shape[1], outputs)
    kind = Root if is_root_cheaper(shape, tasks) else Product
    return kind(parameters, lambda: inputs, shape, lambda gradient: gradient)


def convolution(node: Any, uses: Uses, tasks: int) -> ShortRow:
    """Returns the short row of a convolution of any number of dimensions.

    It is a product of unfolded inputs where these are few.
    """
    inputs, weight = node._saved_input.detach(), node._saved_weight.detach()
    shape = node._input_metadata[0].shape
    turned, groups = node._saved_transposed, node._saved_groups
    options = (node._saved_stride, node._saved_padding, node._saved_dilation)
    parameters = [uses[position] for position in (1, 2) if position in uses]
    matrix = (shape[0] * prod(shape[2:]), weight[0].numel(), shape[1])
    plain = weight.dim() == 4 and groups == 1 and not turned
    if 1 in uses and plain and is_root_cheaper(matrix, tasks):
        return Root(parameters, lambda: _unfold(inputs, weight, *options), matrix, _by_pixel)

    def gradients(gradient: Tensor) -> list[Tensor]:
        found = torch.ops.aten.convolution_backward(
            gradient,
            inputs,
            weight,
            [shape[1]],
            *options,
            turned,
            node._saved_output_padding,
            groups,
            [False, 1 in uses, 2 in uses],
        )
        return [each for each in found if each is not None]

    pixels = prod((inputs.shape if turned else shape)[2:])
    operations = shape[0] * pixels * weight.numel() if 1 in uses else 0
    return Explicit(parameters, gradients, sum(p.numel() for p in parameters), operations)


def _unfold(inputs: Tensor, weight: Tensor, stride: Size, padding: Size, dilation: Size) -> Tensor:
    """Returns the input numbers that each output pixel multiplies, `[pixels, numbers]`."""
    columns = F.unfold(inputs, weight.shape[2:], dilation, padding, stride)
    return columns.mT.flatten(0, 1)


def _by_pixel(gradient: Tensor) -> Tensor:
    return gradient.flatten(2).mT.flatten(0, 1)


def embedding(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """Returns the short row of an embedding: the gradient of the entries that the batch names.

    None where the gradient is scaled by how often an entry is named.
    """
    if node._saved_scale_grad_by_freq:
        return None
    indices = node._saved_indices.flatten()
    kept = indices != node._saved_padding_idx if node._saved_padding_idx < 1 << 63 else None
    named, place = (indices if kept is None else indices[kept]).unique(return_inverse=True)
    size = node._input_metadata[0].shape[-1]

    def gradients(gradient: Tensor) -> list[Tensor]:
        flat = gradient.reshape(-1, size)
        total = flat.new_zeros(len(named), size)
        return [total.index_add_(0, place, flat if kept is None else flat[kept])]

    return Explicit([uses[0]], gradients, len(named) * size, float(len(indices) * size))
