"""Networks of other libraries: made, taken apart into stages, checked, and adapted."""

from plait.encoders.backbones.adapters import adapted, adapter_of
from plait.encoders.backbones.chains import chain_of
from plait.encoders.backbones.layouts import (
    ChannelsFirst,
    ChannelsLast,
    OnGrid,
    Renormalise,
    on_grid,
)
from plait.encoders.backbones.levels import cut_at_grids
from plait.encoders.backbones.timm_models import Whole

__all__ = [
    "ChannelsFirst",
    "ChannelsLast",
    "OnGrid",
    "Renormalise",
    "Whole",
    "adapted",
    "adapter_of",
    "chain_of",
    "cut_at_grids",
    "on_grid",
]
