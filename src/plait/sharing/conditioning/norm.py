"""A normalisation layer for each task."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from torch import nn

from plait.core.arguments import checked_class
from plait.sharing.conditioning.base import Conditioner
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.channels import NORMS, LayerTypes
from plait.sharing.conditioning.layers.task_indexed import TaskIndexed, UnitInstead


@checked_class
@dataclass(frozen=True)
class Norm(Conditioner):
    """Gives each task normalisation layers of its own, running statistics included.

        g_t in the place of the normalisation layer g

    g_t starts as a copy of g. Layers without parameters and statistics are left out.

    Cost: the parameters and statistics of the normalisation layers for each task.

    Reference: Bilen, Vedaldi, "Universal representations: The missing link between faces, text,
        planktons, and cat breeds", arXiv:1701.07275, 2017.
    """

    layer_types: ClassVar[tuple[LayerTypes, ...]] = (NORMS,)

    def unit(self, base: nn.Module) -> nn.Module:
        """Makes a copy of the layer."""
        return copy.deepcopy(base)

    def fits(self, layer: nn.Module, group: LayerTypes) -> bool:
        """Returns whether the layer is one of a group and has anything to copy."""
        state = any(True for _ in chain(layer.parameters(), layer.buffers()))
        return isinstance(layer, group) and state

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer that runs the active task's copy in place of `base`."""
        return UnitInstead(base, units, active)
