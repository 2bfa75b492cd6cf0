"""The features of each stage of each task's network, and their similarity between tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.core.devices import move
from plait.core.errors import DataError
from plait.core.random_state import random_state_kept
from plait.model import MultiTaskModel
from plait.networks.grids import pool
from plait.networks.modes import evaluating
from plait.relations.cka import linear_cka
from plait.relations.conflict import Floats

StageFeatures = dict[str, list[Tensor]]  # {task: the pooled features of each stage}


def stage_features(model: MultiTaskModel, inputs: Any) -> StageFeatures:
    """Returns the pooled features of each stage of each task's network, in eval mode.

    The model is left as it was. Where tasks share a stage, their features there are the same.

    Args:
        model: the model.
        inputs: examples as for the model, N of them; with `PerTask`, row i of each task's input is
            taken for the same example.

    Returns:
        `{task: [features of stage 1, of stage 2, ...]}`, each `[N, channels]` on the CPU; maps and
        tokens are averaged over their (real) positions.
    """
    device = next(model.parameters()).device
    with evaluating(model), torch.no_grad(), random_state_kept(device):
        outputs = model(move(device, inputs))
    return {
        task: [
            pool(replace(features, levels=features.levels[: number + 1])).cpu()
            for number in range(len(features.levels))
        ]
        for task, features in outputs.features.items()
    }


def stage_similarity(
    features: Mapping[str, Sequence[Tensor]],
    *,
    by: Callable[[Tensor, Tensor], float] = linear_cka,
) -> list[Floats]:
    """Compares the representations of each two tasks, stage by stage.

    Two tasks whose networks are alike up to a stage can share it. The features may be those of one
    model, or of several that were trained alone: join what `stage_features` returns.

    Args:
        features: `{task: [features of each stage]}`, T tasks with the same number of stages.
        by: `linear_cka` (the default) or `rsa`.

    Returns:
        A symmetric matrix `[T, T]` for each stage, in the order of the tasks.

    Raises:
        DataError: the tasks have different numbers of stages.

    Reference: Vandenhende, Georgoulis, De Brabandere, Van Gool, "Branched Multi-Task Networks:
        Deciding What Layers To Share", BMVC 2020.

    Example:
        >>> features = torch.randn(8, 3)
        >>> stage_similarity({"a": [features], "b": [2 * features]})[0].round(6)
        array([[1., 1.],
               [1., 1.]])
    """
    depths = {task: len(stages) for task, stages in features.items()}
    if len(set(depths.values())) > 1:
        raise DataError(f"tasks must have the same number of stages; found {depths}.")
    tasks = list(features)
    found = []
    for stage in range(next(iter(depths.values()), 0)):
        matrix = np.zeros((len(tasks), len(tasks)))
        for row, one in enumerate(tasks):
            for column, other in enumerate(tasks[: row + 1]):
                value = by(features[one][stage], features[other][stage])
                matrix[row, column] = matrix[column, row] = value
        found.append(matrix)
    return found
