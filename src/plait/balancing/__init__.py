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
from plait.balancing.cagrad import CAGrad
from plait.balancing.dual_proj import DualProj
from plait.balancing.equal import Equal
from plait.balancing.fair_grad import FairGrad
from plait.balancing.mgda import MGDA
from plait.balancing.nash_mtl import NashMTL
from plait.balancing.pcgrad import PCGrad
from plait.balancing.uncertainty_weights import UncertaintyWeights
from plait.balancing.upgrad import UPGrad

__all__ = [
    "MGDA",
    "Balancer",
    "BilevelBalancer",
    "CAGrad",
    "CrossGramianBalancer",
    "DualProj",
    "Equal",
    "FairGrad",
    "GramianBalancer",
    "Info",
    "JacobianBalancer",
    "LossBalancer",
    "NashMTL",
    "PCGrad",
    "Problem",
    "UPGrad",
    "UncertaintyWeights",
]
