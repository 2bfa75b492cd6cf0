"""Family 3: information that passes between the tasks' networks."""

from plait.connections.aitm import AITM
from plait.connections.base import Connection
from plait.connections.bases.forward import ForwardConnection
from plait.connections.bases.penalty import PenaltyConnection
from plait.connections.bases.stage import StageConnection
from plait.connections.cascade import Cascade
from plait.connections.consistency import Consistency
from plait.connections.cross_stitch import CrossStitch
from plait.connections.edges.wiring import Wiring
from plait.connections.escm2 import doubly_robust, imputation, ips, snips
from plait.connections.hint import Hint
from plait.connections.lateral import Lateral
from plait.connections.nddr import NDDR
from plait.connections.order_calibration import OrderCalibration
from plait.connections.padnet import PADNet
from plait.connections.parameter_transfer import ParameterTransfer
from plait.connections.prediction_distillation import PredictionDistillation
from plait.connections.product_chain import ProductChain
from plait.connections.progressive import Progressive
from plait.connections.sluice import Sluice

__all__ = [
    "AITM",
    "NDDR",
    "Cascade",
    "Connection",
    "Consistency",
    "CrossStitch",
    "ForwardConnection",
    "Hint",
    "Lateral",
    "OrderCalibration",
    "PADNet",
    "ParameterTransfer",
    "PenaltyConnection",
    "PredictionDistillation",
    "ProductChain",
    "Progressive",
    "Sluice",
    "StageConnection",
    "Wiring",
    "doubly_robust",
    "imputation",
    "ips",
    "snips",
]
