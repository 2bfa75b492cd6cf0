"""Balancing: losses, Gramian or rows of the tasks' gradients -> one direction."""

from plait.balancing.aligned_mtl import AlignedMTL
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
from plait.balancing.config import ConFIG
from plait.balancing.cr_mogm import CRMOGM
from plait.balancing.equal import Equal
from plait.balancing.gradnorm import GradNorm
from plait.balancing.gradvac import GradVac
from plait.balancing.imtl_g import IMTLG
from plait.balancing.krum import Krum
from plait.balancing.modo import MoDo
from plait.balancing.pcgrad import PCGrad
from plait.balancing.sdmgrad import SDMGrad
from plait.balancing.transformed_losses import TransformedLosses
from plait.balancing.uncertainty_weights import UncertaintyWeights
from plait.balancing.upgrad import UPGrad

__all__ = [
    "CRMOGM",
    "IMTLG",
    "AlignedMTL",
    "Balancer",
    "BilevelBalancer",
    "ConFIG",
    "CrossGramianBalancer",
    "Equal",
    "GradNorm",
    "GradVac",
    "GramianBalancer",
    "Info",
    "JacobianBalancer",
    "Krum",
    "LossBalancer",
    "MoDo",
    "PCGrad",
    "Problem",
    "SDMGrad",
    "TransformedLosses",
    "UPGrad",
    "UncertaintyWeights",
]
