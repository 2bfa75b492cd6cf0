"""Heads: modules that map the features of a task to its prediction."""

from plait.tasks.heads.dense import DenseHead
from plait.tasks.heads.in_units import FittedUnit, InFittedUnit, InUnits
from plait.tasks.heads.mlp import mlp
from plait.tasks.heads.scalar import ScalarHead
from plait.tasks.heads.token import TokenHead

__all__ = ["DenseHead", "FittedUnit", "InFittedUnit", "InUnits", "ScalarHead", "TokenHead", "mlp"]
