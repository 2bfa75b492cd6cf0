"""Normalisations, biases and scales, label by label."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import torch
from torch import Tensor

from plait.gradients.labels.layers.base import (
    Contributions,
    by_example,
    by_example_shape,
    operands_of,
    shape_of,
)
from plait.gradients.labels.places import Use

Chain = Callable[
    [Tensor, Tensor, int], Tensor
]  # (d, examples, position): d at an operand, repeated

_OTHERS = {  # what each input of a product is multiplied with, by its position
    "AddcmulBackward0": {1: "_saved_tensor2", 2: "_saved_tensor1"},
    "MulBackward0": {0: "_saved_other", 1: "_saved_self"},
}


def layer_norm(use: Use) -> Contributions | None:
    """Returns the weight and bias of a LayerNorm."""
    node = use.node
    inputs, mean, scale = node._saved_input, node._saved_result1, node._saved_result2
    dims = len(node._saved_normalized_shape)
    return _affine(use, lambda: (inputs - mean) * scale, lambda found: range(1, found.dim() - dims))


def batch_norm(use: Use) -> Contributions | None:
    """Returns the weight and bias of a BatchNorm with running statistics."""
    node = use.node
    inputs, mean, variance = (
        node._saved_input,
        node._saved_running_mean,
        node._saved_running_var + node._saved_eps,
    )
    shape = (1, -1, *(1 for _ in inputs.shape[2:]))
    return _affine(
        use, lambda: (inputs - mean.view(shape)) * variance.rsqrt().view(shape), _but_channels
    )


def group_norm(use: Use) -> Contributions | None:
    """Returns the weight and bias of a GroupNorm."""
    node = use.node
    inputs, mean, scale = node._saved_input, node._saved_result1, node._saved_result2
    shape = (node._saved_N, node._saved_group, -1)

    def normal() -> Tensor:
        groups = inputs.reshape(shape)
        result: Tensor = ((groups - mean[..., None]) * scale[..., None]).view(inputs.shape)
        return result

    return _affine(use, normal, _but_channels)


def addition(use: Use) -> Contributions | None:
    """Returns the contributions to parameters that are added to each example, such as a bias."""
    factor = getattr(use.node, "_saved_alpha", 1)
    return _broadcast(use, lambda found, example, at: found * factor if at == 1 else found)


def scaling(use: Use) -> Contributions | None:
    """Returns the contributions to parameters that multiply each example, as in RMSNorm."""
    node, others = use.node, _OTHERS[use.node.name()]
    shape = node._input_metadata[0].shape
    factors = {each: getattr(node, others[each]).detach() for each in use.positions}

    @cache
    def inputs(position: int) -> Tensor:
        return by_example(factors[position].expand(shape), use.output)

    return _broadcast(use, lambda found, example, at: found * inputs(at).index_select(0, example))


def _but_channels(found: Tensor) -> Iterable[int]:
    """Returns the axes of `[n, 1, C, ...]` without labels and channels."""
    return (1, *range(3, found.dim()))


def _affine(
    use: Use, normal: Callable[[], Tensor], summed: Callable[[Tensor], Iterable[int]]
) -> Contributions | None:
    """Returns the weight (1) and bias (2) of normalised inputs, which are formed when asked for."""
    inputs = cache(lambda: by_example(normal(), use.output))

    def each(found: Tensor, example: Tensor) -> list[Tensor]:
        products = {1: lambda: found * inputs().index_select(0, example), 2: lambda: found}
        axes = tuple(summed(found))
        return [products[position]().sum(axes) for position in use.positions]

    return _contributions(use, each)


def _broadcast(use: Use, chain: Chain) -> Contributions | None:
    """Sums over what was repeated within an example."""
    operands = operands_of(use)

    def each(found: Tensor, example: Tensor) -> list[Tensor]:
        return [
            _summed(chain(found, example, position), shape_of(edge))
            for position, edge in operands.items()
        ]

    return _contributions(use, each)


def _summed(added: Tensor, shape: torch.Size) -> Tensor:
    """Sums `[n, ...]` to `[n, *shape]`."""
    count, dims = len(added), added.dim() - 1
    padded = (1,) * (dims - len(shape)) + tuple(shape)
    return added.sum_to_size((count, *padded)).view(count, *shape)


def _contributions(
    use: Use, each: Callable[[Tensor, Tensor], list[Tensor]]
) -> Contributions | None:
    """Returns the contributions; None where the examples are spread over several axes."""
    if by_example_shape(use.node._input_metadata[0].shape, use.output) is None:
        return None
    edges = list(operands_of(use).values())
    size = use.output.count // use.output.examples
    return Contributions(edges, [shape_of(edge) for edge in edges], each, size)
