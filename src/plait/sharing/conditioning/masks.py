"""Task routing: each task sees a fixed choice of channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from plait.core.arguments import checked_class
from plait.core.errors import ConfigError
from plait.sharing.conditioning.base import Conditioner
from plait.sharing.conditioning.layers.channels import (
    MAPS,
    NORMS,
    LayerTypes,
    channels_of,
    keeps_its_axes,
)
from plait.sharing.conditioning.layers.units import Mask


@checked_class
@dataclass(frozen=True, kw_only=True)
class Masks(Conditioner):
    """Lets each task see a fixed random choice of a layer's channels (task routing).

        g_t(x) = m_t * g(x)

    with m_t `[C]` of zeros and ones, drawn from (seed, names of task and layer). It acts after the
    layers that `Film` takes.

    Args:
        keep: share of the channels that a task keeps, in (0, 1]; one at least; 0.5 by default.

    Raises:
        ConfigError: a share outside its range.

    Differs: the authors mask each convolution, here the normalisation after it is masked, which
        would move a masked channel away from 0.

    Cost: no parameters.

    Reference: Strezoski, van Noord, Worring, "Many Task Learning With Task Routing", ICCV 2019.
    """

    layer_types: ClassVar[tuple[LayerTypes, ...]] = (NORMS, MAPS)

    keep: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ConfigError(f"`keep` must be in (0, 1]; found {self.keep}.")

    def unit(self, base: nn.Module) -> nn.Module:
        """Makes a mask."""
        shape, trailing = channels_of(base)
        return Mask(shape[-1], trailing, self.keep)

    def fits(self, layer: nn.Module, group: LayerTypes) -> bool:
        """Returns whether the layer is one of a group, with its channels where they should be."""
        return isinstance(layer, group) and keeps_its_axes(layer)
