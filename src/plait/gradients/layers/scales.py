"""Short rows of normalisations, biases and scales, from the nodes of autograd.

They are the gradients themselves, which are small and come from the operations of a backward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from plait.gradients.layers.short_row import Explicit, Uses


def layer_norm(node: Any, uses: Uses, tasks: int) -> Explicit:
    """Returns the short row of the weight and bias of a LayerNorm."""

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


def batch_norm(node: Any, uses: Uses, tasks: int) -> Explicit:
    """Returns the short row of a BatchNorm with statistics of the batch, or running ones."""

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


def group_norm(node: Any, uses: Uses, tasks: int) -> Explicit:
    """Returns the short row of a GroupNorm."""

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


def addition(node: Any, uses: Uses, tasks: int) -> Explicit | None:
    """Returns the short row of ``x + parameter``, broadcast: a bias or positions.

    None for a sum with another factor than 1, and where all parameters are seen through views.
    """
    if node._saved_alpha != 1:
        return None
    return _broadcast(node, uses, lambda gradient, position: gradient)


def scaling(node: Any, uses: Uses, tasks: int) -> Explicit | None:
    """Returns the short row of ``x * parameter``, with broadcasting, as in RMSNorm.

    None where all parameters are seen through views.
    """
    return _broadcast(
        node,
        uses,
        lambda gradient, position: gradient * (node._saved_self if position else node._saved_other),
    )


def _broadcast(node: Any, uses: Uses, chain: Callable[[Tensor, int], Tensor]) -> Explicit | None:
    """Sums over what was repeated; a parameter that is seen through a view has another shape."""
    seen = {
        position: parameter
        for position, parameter in uses.items()
        if hasattr(node.next_functions[position][0], "variable")
    }

    def gradients(gradient: Tensor) -> list[Tensor]:
        return [chain(gradient, position).sum_to_size(p.shape) for position, p in seen.items()]

    return _explicit(seen, gradients) if seen else None


def _explicit(uses: Uses, gradients: Callable[[Tensor], list[Tensor]]) -> Explicit:
    parameters = [uses[position] for position in sorted(uses)]
    return Explicit(parameters, gradients, sum(p.numel() for p in parameters), 0.0)
