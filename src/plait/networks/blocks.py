"""The blocks of an encoder: the pieces that methods which search or attend choose among."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from torch import nn

from plait.core.features import FeatureShape
from plait.networks.halves import ends_of_blocks
from plait.networks.shapes import infer_shape
from plait.networks.stages import Stage, stages_of


def blocks_of(encoder: nn.Module) -> list[list[Stage]]:
    """Returns the stages of each block, as `ends_of_blocks` bounds them.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3))
        >>> [[type(stage).__name__ for stage in block] for block in blocks_of(net)]
        [['Flatten', 'Linear', 'ReLU'], ['Linear']]
    """
    stages = stages_of(encoder)
    bounds = [0, *(end + 1 for end in ends_of_blocks(stages))]
    return [stages[start:end] for start, end in pairwise(bounds)]


def block_shapes(encoder: nn.Module, example: Any) -> FeatureShape:
    """Returns the shape of each block's output, as `infer_shape` does of each stage's."""
    shape = infer_shape(encoder, example)
    ends = ends_of_blocks(stages_of(encoder))
    return replace(shape, levels=tuple(shape.levels[end] for end in ends))
