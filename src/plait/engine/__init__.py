"""`plait.backward`: gradients and balancing as one call."""

from plait.engine.engine import Backward
from plait.engine.one_line import backward
from plait.engine.options import At, HeadWeights, NonFinite, Options, Route, Scale
from plait.engine.record import Memory, Record

__all__ = [
    "At",
    "Backward",
    "HeadWeights",
    "Memory",
    "NonFinite",
    "Options",
    "Record",
    "Route",
    "Scale",
    "backward",
]
