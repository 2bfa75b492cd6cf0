"""`plait.backward`: gradients and balancing as one call."""

from plait.backward.engine import Backward
from plait.backward.one_line import backward
from plait.backward.options import At, HeadWeights, NonFinite, Options, Route, Scale
from plait.backward.record import Memory, Record

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
