"""The base of all conditioning: which layers change, and what each task adds to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import ClassVar

from torch import nn

from plait.core.seeding import seeded
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.channels import LayerTypes
from plait.sharing.conditioning.layers.task_indexed import TaskIndexed, UnitAfter


class Conditioner(ABC):
    """Conditions the layers of a trunk on the task: the option `by` of `Conditioned`.

    Attributes:
        layer_types: groups of classes of layers that it can condition; of a trunk, the first group
            of which there is any layer.
    """

    layer_types: ClassVar[tuple[LayerTypes, ...]]

    def choose(self, layers: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
        """Picks the layers to condition, by name; empty if none can be."""
        for group in self.layer_types:
            chosen = {n: each for n, each in layers.items() if self.fits(each, group)}
            if chosen:
                return chosen
        return {}

    def fits(self, layer: nn.Module, group: LayerTypes) -> bool:
        """Returns whether the layer is one of a group."""
        return isinstance(layer, group)

    @abstractmethod
    def unit(self, base: nn.Module) -> nn.Module:
        """Makes what one task adds to a layer; draws from the global generator."""

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer that takes the place of `base`.

        Args:
            base: the shared layer.
            units: `{task: what it adds}`.
            active: tells which task a pass is for.
        """
        return UnitAfter(base, units, active)

    def condition(
        self, name: str, base: nn.Module, tasks: Sequence[str], seed: int, active: Active
    ) -> TaskIndexed:
        """Returns a conditioned layer; a unit depends on (seed, names of its task and layer)."""
        units: dict[str, nn.Module] = {}
        for task in tasks:
            with seeded(seed, "conditioned", task, name):
                unit = self.unit(base)
            for like in chain(base.parameters(), base.buffers()):
                if like.is_floating_point():
                    unit.to(like)
                    break
            units[task] = unit
        return self.wrap(base, units, active)
