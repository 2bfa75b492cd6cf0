"""Family 2: one network for each task, with tied parameters."""

from plait.regularization.base import ParameterRegularizer, Regularizer
from plait.regularization.pairwise_l2 import PairwiseL2

__all__ = ["PairwiseL2", "ParameterRegularizer", "Regularizer"]
