"""Balancing: losses, Gramian or rows of the tasks' gradients -> one direction."""

from plait.balancing.base import (
    Balancer,
    BilevelBalancer,
    CrossGramianBalancer,
    GramianBalancer,
    Info,
    JacobianBalancer,
    LossBalancer,
    Problem,
)
from plait.balancing.equal import Equal
from plait.balancing.pcgrad import PCGrad
from plait.balancing.uncertainty_weights import UncertaintyWeights
from plait.balancing.upgrad import UPGrad

__all__ = [
    "Balancer",
    "BilevelBalancer",
    "CrossGramianBalancer",
    "Equal",
    "GramianBalancer",
    "Info",
    "JacobianBalancer",
    "LossBalancer",
    "PCGrad",
    "Problem",
    "UPGrad",
    "UncertaintyWeights",
]
