"""Mixing policies: which of several data sets gives a step, and what an epoch of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.data.mixing.all_sources import AllSources
    from plait.data.mixing.base import Policy
    from plait.data.mixing.equal_shares import EqualShares
    from plait.data.mixing.proportional import Proportional
    from plait.data.mixing.round_robin import RoundRobin
    from plait.data.mixing.shares import Shares
    from plait.data.mixing.temperature import Temperature

__all__ = [
    "AllSources",
    "EqualShares",
    "Policy",
    "Proportional",
    "RoundRobin",
    "Shares",
    "Temperature",
]

lazy(__name__)
