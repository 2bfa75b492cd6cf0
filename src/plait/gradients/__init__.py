"""Per-task gradients: which parameters are shared, the rows, and their inner products."""

from plait.gradients.check import check_losses, refuse_complex, roots, unnamed, values_of
from plait.gradients.features.cut import Cut, FeatureGradients
from plait.gradients.gramian import cross_gramian, gramian, norms_and_cosines
from plait.gradients.graph import gradients, joint_gradients, kinds_of, leaves, nearest
from plait.gradients.host import to_host
from plait.gradients.labels.found import LabelGradients
from plait.gradients.labels.places import Refusal
from plait.gradients.labels.plan import LabelPlan
from plait.gradients.labels.ranks import Ranks
from plait.gradients.layers.plan import LayerGradients, LayerPlan
from plait.gradients.layout import Layout
from plait.gradients.per_task import per_task_gradients
from plait.gradients.rows import RowBuffer
from plait.gradients.scratch import Scratch
from plait.gradients.task_graph import TaskGraph, reached_by
from plait.gradients.write import accumulate, add, lengths

__all__ = [
    "Cut",
    "FeatureGradients",
    "LabelGradients",
    "LabelPlan",
    "LayerGradients",
    "LayerPlan",
    "Layout",
    "Ranks",
    "Refusal",
    "RowBuffer",
    "Scratch",
    "TaskGraph",
    "accumulate",
    "add",
    "check_losses",
    "cross_gramian",
    "gradients",
    "gramian",
    "joint_gradients",
    "kinds_of",
    "leaves",
    "lengths",
    "nearest",
    "norms_and_cosines",
    "per_task_gradients",
    "reached_by",
    "refuse_complex",
    "roots",
    "to_host",
    "unnamed",
    "values_of",
]
