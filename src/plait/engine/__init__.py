"""`plait.backward`: gradients and balancing as one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.engine.engine import Backward
    from plait.engine.memory import Memory
    from plait.engine.one_line import backward
    from plait.engine.options import At, HeadWeights, NonFinite, Options, RouteChoice, Scale
    from plait.engine.record import Record

__all__ = [
    "At",
    "Backward",
    "HeadWeights",
    "Memory",
    "NonFinite",
    "Options",
    "Record",
    "RouteChoice",
    "Scale",
    "backward",
]

lazy(__name__)
