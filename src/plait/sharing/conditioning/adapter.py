"""Residual adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from plait.core.arguments import checked_class
from plait.core.errors import ConfigError
from plait.sharing.conditioning.base import Conditioner
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.channels import MAPS, LayerTypes, channels_of
from plait.sharing.conditioning.layers.task_indexed import (
    TaskIndexed,
    UnitAfter,
    UnitBeside,
    UnitInside,
)
from plait.sharing.conditioning.layers.units import ResidualMap, Tap, Update

Placement = Literal["series", "parallel"]


@checked_class
@dataclass(frozen=True, kw_only=True)
class Adapter(Conditioner):
    """Adds a small linear map of the channels to each linear and convolutional layer.

        in series:    g_t(x) = g(x) + D_t g(x)
        in parallel:  g_t(x) = g(x) + D_t x

    D_t acts on the channels, the same at every position, and starts at 0.

    Args:
        placement: "series" reads what the layer gives; "parallel" what the layer reads: with a
            convolution, D is a 1x1 one of its stride and groups that is added to the centre of W.
        bottleneck: the rank of D, at least 1: D = U V with V drawn and U = 0; full by default.

    Raises:
        ConfigError: an option outside its range.

    Differs: the adapters' own batch normalisation is left out; the trunk's follows them.

    Cost: for each task and layer of C channels C^2 parameters, or 2C x `bottleneck`, in series.

    Reference: Rebuffi, Bilen, Vedaldi, "Learning multiple visual domains with residual adapters",
        NeurIPS 2017, and "Efficient parametrization of multi-domain deep neural networks", CVPR
        2018 (parallel).
    """

    layer_types: ClassVar[tuple[LayerTypes, ...]] = (MAPS,)

    placement: Placement = "series"
    bottleneck: int | None = None

    def __post_init__(self) -> None:
        if self.placement not in ("series", "parallel"):
            raise ConfigError(
                f"`placement` must be 'series' or 'parallel'; found {self.placement!r}."
            )
        if self.bottleneck is not None and self.bottleneck < 1:
            raise ConfigError(f"`bottleneck` must be at least 1, or None; found {self.bottleneck}.")

    def unit(self, base: nn.Module) -> nn.Module:
        """Makes an adapter that adds nothing yet."""
        if self.placement == "series":
            (channels,), trailing = channels_of(base)
            return ResidualMap(channels, trailing, self.bottleneck)
        rows, columns = base.get_parameter("weight").shape[:2]
        if isinstance(base, nn.Linear):
            return Update(rows, columns, self.bottleneck)
        return nn.ModuleList([Tap(rows, columns, self.bottleneck)])

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer with the adapters after it, beside it, or in its kernel."""
        if self.placement == "series":
            return UnitAfter(base, units, active)
        if isinstance(base, nn.Linear):
            return UnitBeside(base, units, active)
        return UnitInside(base, units, active, ["weight"])
