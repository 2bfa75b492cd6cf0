"""Small models of several tasks for the tests of relations."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Regression

TASKS = ("a", "b", "c")


def regressions(tasks: Sequence[str] = TASKS) -> list[Any]:
    return [Regression(task, mean=0.0, scale=1.0) for task in tasks]


def model_of(trunk: nn.Module, tasks: Sequence[str] = TASKS, inputs: int = 4) -> MultiTaskModel:
    return MultiTaskModel(Hard(trunk), regressions(tasks), example=torch.zeros(2, inputs))


def noisy_trunk() -> nn.Module:
    """With running statistics and dropout: what a look ahead could leave traces in."""
    return nn.Sequential(
        nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3), nn.Tanh()
    )


def batch_of(
    tasks: Sequence[str] = TASKS, rows: int = 8, inputs: int = 4, seed: int = 0
) -> tuple[Tensor, dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, inputs, generator=generator)
    return x, {task: torch.randn(rows, generator=generator) for task in tasks}
