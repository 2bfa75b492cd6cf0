"""A conditioned layer alone, run for one task."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from plait.sharing.conditioning import Conditioner
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.task_indexed import TaskIndexed

TASKS = ("a", "b.c")


class Conditioned:
    """A layer conditioned for two tasks."""

    def __init__(self, by: Conditioner, base: nn.Module, seed: int = 0) -> None:
        self.active = Active()
        self.layer: TaskIndexed = by.condition("layer", base, TASKS, seed, self.active)

    def __call__(self, task: str, *inputs: Any) -> Tensor:
        with self.active.running(task):
            out: Tensor = self.layer(*inputs)
        return out

    def own(self, position: int) -> nn.Module:
        return list(self.layer.own.values())[position]

    def stir(self) -> None:
        """Moves the units away from their start."""
        with torch.no_grad():
            for parameter in self.layer.own.parameters():
                parameter.copy_(torch.randn_like(parameter))
