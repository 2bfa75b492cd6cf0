"""Gradients at sharded parameters, by backward passes that FSDP2 follows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.core.shards import whole_of


def shard_gradients(
    scalars: Sequence[Tensor],
    candidates: Sequence[Tensor],
    weights: Sequence[Tensor] | None = None,
    *,
    retain: bool = False,
) -> list[tuple[Tensor, Tensor]]:
    """Returns `(parameter, gradient)` of a weighted sum, as `plait.gradients.graph.gradients` does.

    Parameters may be sharded. It goes by way of `.grad`, which is as before afterwards, for the
    hooks of FSDP2 add up the gradients of all processes there. All of them have to take the same
    passes, each of which has to reach the same sharded parameters in each process.

    Returns:
        `(parameter, gradient)`; that of a sharded parameter is sharded, and of all processes.
    """
    kept = [(parameter, parameter.grad) for parameter in candidates]
    for parameter in candidates:
        parameter.grad = None
    try:
        torch.autograd.backward(
            scalars, weights, retain_graph=retain, inputs=[whole_of(each) for each in candidates]
        )
        return [(each, each.grad) for each in candidates if each.grad is not None]
    finally:
        for parameter, gradient in kept:
            parameter.grad = gradient
