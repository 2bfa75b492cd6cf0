"""The nodes of the autograd graph that have a short row."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Parameter

from plait.gradients.layers.scales import addition, batch_norm, group_norm, layer_norm, scaling
from plait.gradients.layers.short_row import ShortRow, Uses
from plait.gradients.layers.weights import convolution, embedding, linear, matrix_product

KINDS: dict[str, Callable[[Any, Uses, int], ShortRow | None]] = {
    "AddBackward0": addition,
    "AddmmBackward0": linear,
    "ConvolutionBackward0": convolution,
    "EmbeddingBackward0": embedding,
    "MmBackward0": matrix_product,
    "MulBackward0": scaling,
    "NativeBatchNormBackward0": batch_norm,
    "NativeGroupNormBackward0": group_norm,
    "NativeLayerNormBackward0": layer_norm,
}


def short_row(node: Any, uses: Uses, tasks: int) -> ShortRow | None:
    """Returns the short row of parameters that a node uses, or None if it has none.

    It may stand for some of the parameters only. There is none for an unknown operation, half
    precision (its rounding would not be that of the gradient), nor where the saved tensors are
    not at hand, as in checkpointing.

    Args:
        node: of the autograd graph.
        uses: `{position among its inputs: parameter}`.
        tasks: the number of tasks, by which the shorter of two forms is chosen.
    """
    build = KINDS.get(node.name())
    return build(node, uses, tasks) if build is not None and _is_plain(node, uses) else None


def _is_plain(node: Any, uses: Uses) -> bool:
    """Returns whether what the node saved and gives are ordinary tensors of one precision.

    Reading what was saved through hooks would run code, such as a forward pass.
    """
    output = node._input_metadata[0]
    dtypes = {output.dtype, *(parameter.dtype for parameter in uses.values())}
    return (
        len(dtypes) == 1
        and dtypes <= {torch.float32, torch.float64}
        and not output.is_nested_tensor
        and all(type(parameter) in (Tensor, Parameter) for parameter in uses.values())
        and not saves_through_hooks(node)
    )


def saves_through_hooks(node: Any) -> bool:
    """Returns whether reading what a node saved would run code, as in checkpointing."""
    for name in _saved_names(cast(Hashable, type(node))):
        saved = getattr(node, name)
        for each in saved if isinstance(saved, tuple | list) else (saved,):
            if getattr(each, "unpack_hook", None) is not None:
                return True
    return False


@cache
def _saved_names(kind: Hashable) -> list[str]:
    return [name for name in dir(kind) if name.startswith("_raw_saved_")]
