"""A model with two blocks of eight like tasks, and one task that stands alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.outputs import Losses, Outputs
from plait.model import MultiTaskModel
from plait.model.blocks import Blocks
from plait.sharing import Hard
from plait.tasks import Binary, Classification, Regression
from plait.tasks.base import BaseTask
from plait.training.joined import Joining, join_heads

B = 5


def tasks_of() -> list[BaseTask]:
    """Two kinds of eight tasks in turn, and one that stands alone in between."""
    made: list[BaseTask] = []
    for position in range(8):
        made += [Regression(f"n{position}", weight=1.0 + position), Binary(f"y{position}")]
    return [*made[:5], Classification("apart", classes=3), *made[5:]]


def made(sharing: Any = None, tasks: Sequence[BaseTask] = ()) -> MultiTaskModel:
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Linear(4, 6), nn.Tanh())
    example = torch.zeros(2, 4)
    return MultiTaskModel(sharing or Hard(trunk), tasks or tasks_of(), example=example)


def join(model: MultiTaskModel) -> Joining:
    return join_heads(model, torch.optim.SGD(model.parameters(), lr=0.1))


def blocks(model: MultiTaskModel) -> Blocks:
    found = model.flow.blocks
    assert found is not None
    return found


def labels(task: BaseTask, missing: float = 0.0) -> Tensor:
    if isinstance(task, Classification):
        return torch.randint(3, (B,))
    given = torch.randn(B) if isinstance(task, Regression) else torch.randint(2, (B,))
    return given.double().masked_fill(torch.rand(B) < missing, math.nan)


def agree(one: Outputs | Losses, other: Outputs | Losses) -> None:
    assert list(one) == list(other)
    for task in one:
        torch.testing.assert_close(one[task], other[task], rtol=1e-12, atol=1e-12)
