"""Balancing: losses, Gramian or rows of the tasks' gradients -> one direction."""

from plait.balancing.auto_lambda import AutoLambda
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
from plait.balancing.db_mtl import DBMTL
from plait.balancing.equal import Equal
from plait.balancing.excess_mtl import ExcessMTL
from plait.balancing.forum import FORUM
from plait.balancing.grad_drop import GradDrop
from plait.balancing.moco import MoCo
from plait.balancing.moml import MOML
from plait.balancing.pcgrad import PCGrad
from plait.balancing.trimmed_mean import TrimmedMean
from plait.balancing.uncertainty_weights import UncertaintyWeights
from plait.balancing.upgrad import UPGrad

__all__ = [
    "DBMTL",
    "FORUM",
    "MOML",
    "AutoLambda",
    "Balancer",
    "BilevelBalancer",
    "CrossGramianBalancer",
    "Equal",
    "ExcessMTL",
    "GradDrop",
    "GramianBalancer",
    "Info",
    "JacobianBalancer",
    "LossBalancer",
    "MoCo",
    "PCGrad",
    "Problem",
    "TrimmedMean",
    "UPGrad",
    "UncertaintyWeights",
]
