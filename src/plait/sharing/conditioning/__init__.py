"""Ways to condition the layers of one trunk on the task."""

from plait.sharing.conditioning.active import Active
from plait.sharing.conditioning.by import (
    STATISTICS,
    Adapter,
    Film,
    LoRA,
    Masks,
    Norm,
    Way,
)
from plait.sharing.conditioning.layers import TaskIndexed
from plait.sharing.conditioning.trunk import conditioned, conditioned_layers, plain

__all__ = [
    "STATISTICS",
    "Active",
    "Adapter",
    "Film",
    "LoRA",
    "Masks",
    "Norm",
    "TaskIndexed",
    "Way",
    "conditioned",
    "conditioned_layers",
    "plain",
]
