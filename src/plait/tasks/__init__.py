"""Tasks: a head, a loss, metrics, and the rule for valid labels."""

from plait.tasks.base import BaseTask
from plait.tasks.binary import Binary
from plait.tasks.classification import Classification
from plait.tasks.dense_regression import DenseRegression
from plait.tasks.metric_rules import direction, perfect_value
from plait.tasks.metrics.concordance_index import ConcordanceIndex
from plait.tasks.metrics.entity_f1 import EntityF1
from plait.tasks.metrics.mean_distance import MeanDistance
from plait.tasks.multi_label import MultiLabel
from plait.tasks.prediction import Prediction
from plait.tasks.regression import Regression
from plait.tasks.segmentation import Segmentation
from plait.tasks.survival import Survival
from plait.tasks.tagging import Tagging
from plait.tasks.task import Task

__all__ = [
    "BaseTask",
    "Binary",
    "Classification",
    "ConcordanceIndex",
    "DenseRegression",
    "EntityF1",
    "MeanDistance",
    "MultiLabel",
    "Prediction",
    "Regression",
    "Segmentation",
    "Survival",
    "Tagging",
    "Task",
    "direction",
    "perfect_value",
]
