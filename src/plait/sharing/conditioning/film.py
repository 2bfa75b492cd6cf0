"""Feature-wise linear modulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from plait.core.arguments import checked_class
from plait.sharing.conditioning.base import Conditioner
from plait.sharing.conditioning.layers.channels import (
    MAPS,
    NORMS,
    LayerTypes,
    channels_of,
    keeps_its_axes,
)
from plait.sharing.conditioning.layers.units import Affine


@checked_class
@dataclass(frozen=True)
class Film(Conditioner):
    """Scales and shifts each channel of a layer's output (FiLM).

        g_t(x) = (1 + a_t) * g(x) + b_t

    with a_t and b_t `[C]`, a number for each channel; both start at 0. It acts after the
    normalisation layers, or after the linear and convolutional ones of a trunk (or `scope`) that
    has none of those.

    Cost: 2C parameters for each task and layer of C channels.

    Reference: Perez, Strub, de Vries, Dumoulin, Courville, "FiLM: Visual Reasoning with a General
        Conditioning Layer", AAAI 2018.
    """

    layer_types: ClassVar[tuple[LayerTypes, ...]] = (NORMS, MAPS)

    def unit(self, base: nn.Module) -> nn.Module:
        """Makes scales and shifts of 0."""
        return Affine(*channels_of(base))

    def fits(self, layer: nn.Module, group: LayerTypes) -> bool:
        """Returns whether the layer is one of a group, with its channels where they should be."""
        return isinstance(layer, group) and keeps_its_axes(layer)
