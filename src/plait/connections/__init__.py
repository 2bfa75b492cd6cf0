"""Family 3: information that passes between the tasks' networks."""

from plait.connections.base import (
    Connection,
    ForwardConnection,
    PenaltyConnection,
    StageConnection,
    Wiring,
)

__all__ = [
    "Connection",
    "ForwardConnection",
    "PenaltyConnection",
    "StageConnection",
    "Wiring",
]
