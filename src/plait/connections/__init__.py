"""Family 3: information that passes between the tasks' networks."""

from plait.connections.base import (
    Connection,
    ForwardConnection,
    PenaltyConnection,
    StageConnection,
    Wiring,
)
from plait.connections.cross_stitch import CrossStitch
from plait.connections.lateral import Lateral
from plait.connections.nddr import NDDR
from plait.connections.progressive import Progressive
from plait.connections.sluice import Sluice

__all__ = [
    "NDDR",
    "Connection",
    "CrossStitch",
    "ForwardConnection",
    "Lateral",
    "PenaltyConnection",
    "Progressive",
    "Sluice",
    "StageConnection",
    "Wiring",
]
