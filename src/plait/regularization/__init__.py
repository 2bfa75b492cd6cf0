"""Family 2: one network for each task, with tied parameters."""

from plait.regularization.asymmetric import Asymmetric
from plait.regularization.base import ParameterRegularizer, Regularizer
from plait.regularization.clustered import Clustered
from plait.regularization.cosine import Cosine
from plait.regularization.dirty import Dirty
from plait.regularization.graph_laplacian import GraphLaplacian
from plait.regularization.l21 import L21
from plait.regularization.learned_strength import LearnedStrength
from plait.regularization.mean_regularized import MeanRegularized
from plait.regularization.multilinear_relationship import MultilinearRelationship
from plait.regularization.orthogonality import Orthogonality
from plait.regularization.pairwise_l2 import PairwiseL2
from plait.regularization.robust import Robust
from plait.regularization.successive import Successive
from plait.regularization.task_relationship import TaskRelationship
from plait.regularization.tensor_trace_norm import TensorTraceNorm
from plait.regularization.trace_norm import TraceNorm

__all__ = [
    "L21",
    "Asymmetric",
    "Clustered",
    "Cosine",
    "Dirty",
    "GraphLaplacian",
    "LearnedStrength",
    "MeanRegularized",
    "MultilinearRelationship",
    "Orthogonality",
    "PairwiseL2",
    "ParameterRegularizer",
    "Regularizer",
    "Robust",
    "Successive",
    "TaskRelationship",
    "TensorTraceNorm",
    "TraceNorm",
]
