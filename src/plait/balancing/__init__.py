"""Balancing: losses, Gramian or rows of the tasks' gradients -> one direction."""

from plait.balancing.aligned_mtl import AlignedMTL
from plait.balancing.auto_lambda import AutoLambda
from plait.balancing.base import (
    Balancer,
    BilevelBalancer,
    CrossGramianBalancer,
    GramianBalancer,
    JacobianBalancer,
    LossBalancer,
)
from plait.balancing.cagrad import CAGrad
from plait.balancing.con_fig import ConFIG
from plait.balancing.contract.info import Info
from plait.balancing.contract.problem import Problem
from plait.balancing.cr_mogm import CRMOGM
from plait.balancing.db_mtl import DBMTL
from plait.balancing.dual_proj import DualProj
from plait.balancing.dwa import DWA
from plait.balancing.equal import Equal
from plait.balancing.excess_mtl import ExcessMTL
from plait.balancing.fair_grad import FairGrad
from plait.balancing.famo import FAMO
from plait.balancing.forum import FORUM
from plait.balancing.gls import GLS
from plait.balancing.go4align import GO4Align
from plait.balancing.grad_drop import GradDrop
from plait.balancing.grad_norm import GradNorm
from plait.balancing.grad_vac import GradVac
from plait.balancing.igb import IGB
from plait.balancing.imtl_g import IMTLG
from plait.balancing.imtl_l import IMTLL
from plait.balancing.krum import Krum
from plait.balancing.log_transform import LogTransform
from plait.balancing.mgda import MGDA
from plait.balancing.moco import MoCo
from plait.balancing.modo import MoDo
from plait.balancing.moml import MOML
from plait.balancing.nash_mtl import NashMTL
from plait.balancing.normalize_then_sum import normalize_then_sum
from plait.balancing.pcd import PCD
from plait.balancing.pcgrad import PCGrad
from plait.balancing.pivrg import PIVRG
from plait.balancing.rlw import RLW
from plait.balancing.scalarizations import cosmos, ldc_mtl, pbi
from plait.balancing.schedules.loss_schedule import LossSchedule
from plait.balancing.sdmgrad import SDMGrad
from plait.balancing.slaw import SLAW
from plait.balancing.smooth_tchebycheff import SmoothTchebycheff
from plait.balancing.stale_rows import StaleRows
from plait.balancing.stch import STCH
from plait.balancing.transformed_losses import TransformedLosses
from plait.balancing.trimmed_mean import TrimmedMean
from plait.balancing.uncertainty_weights import UncertaintyWeights
from plait.balancing.upgrad import UPGrad
from plait.balancing.uwso import UWSO

__all__ = [
    "CRMOGM",
    "DBMTL",
    "DWA",
    "FAMO",
    "FORUM",
    "GLS",
    "IGB",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "MOML",
    "PCD",
    "PIVRG",
    "RLW",
    "SLAW",
    "STCH",
    "UWSO",
    "AlignedMTL",
    "AutoLambda",
    "Balancer",
    "BilevelBalancer",
    "CAGrad",
    "ConFIG",
    "CrossGramianBalancer",
    "DualProj",
    "Equal",
    "ExcessMTL",
    "FairGrad",
    "GO4Align",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "GramianBalancer",
    "Info",
    "JacobianBalancer",
    "Krum",
    "LogTransform",
    "LossBalancer",
    "LossSchedule",
    "MoCo",
    "MoDo",
    "NashMTL",
    "PCGrad",
    "Problem",
    "SDMGrad",
    "SmoothTchebycheff",
    "StaleRows",
    "TransformedLosses",
    "TrimmedMean",
    "UPGrad",
    "UncertaintyWeights",
    "cosmos",
    "ldc_mtl",
    "normalize_then_sum",
    "pbi",
]
