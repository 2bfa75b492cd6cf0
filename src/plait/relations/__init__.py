"""Relations of tasks: conflict, affinity, similarity, and which to group; nothing trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.core.lazy import lazy

if TYPE_CHECKING:
    from plait.relations.cka import linear_cka
    from plait.relations.conflict import Conflict, gradient_conflict
    from plait.relations.example_gradients import example_gradients
    from plait.relations.grad_tag import GradTAG
    from plait.relations.grouping import Grouping, choose_among, choose_groups, every_group
    from plait.relations.hoa import hoa_losses
    from plait.relations.layer_gramians import LayerGramians, layer_gramians
    from plait.relations.projection import RandomProjection
    from plait.relations.rsa import rsa
    from plait.relations.running_conflict import RunningConflict
    from plait.relations.stages import stage_features, stage_similarity
    from plait.relations.tag import Affinity, loss_improvement, tag_affinity, transference
    from plait.relations.task_gradients import TaskGradients

__all__ = [
    "Affinity",
    "Conflict",
    "GradTAG",
    "Grouping",
    "LayerGramians",
    "RandomProjection",
    "RunningConflict",
    "TaskGradients",
    "choose_among",
    "choose_groups",
    "every_group",
    "example_gradients",
    "gradient_conflict",
    "hoa_losses",
    "layer_gramians",
    "linear_cka",
    "loss_improvement",
    "rsa",
    "stage_features",
    "stage_similarity",
    "tag_affinity",
    "transference",
]

lazy(__name__)
