"""The kinds of uses whose gradients are seen by label."""

from __future__ import annotations

from collections.abc import Callable

from plait.gradients.labels.layers.base import LabelLayer
from plait.gradients.labels.layers.convolution import convolution
from plait.gradients.labels.layers.embedding import embedding
from plait.gradients.labels.layers.linear import linear
from plait.gradients.labels.layers.scales import (
    addition,
    batch_norm,
    group_norm,
    layer_norm,
    scaling,
)
from plait.gradients.labels.places import Use

KINDS: dict[str, Callable[[Use], LabelLayer | None]] = {
    "addition": addition,
    "batch_norm": batch_norm,
    "convolution": convolution,
    "embedding": embedding,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "linear": linear,
    "scaling": scaling,
}


def label_layer(use: Use) -> LabelLayer | None:
    """Returns the parameters that a node uses, by label; None for a kind that is not known."""
    build = KINDS.get(use.kind)
    return None if build is None else build(use)
