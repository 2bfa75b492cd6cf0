"""The networks that are measured: one trunk that all tasks share, and a small head for each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class Problem:
    """A network, its tasks' heads, and one batch.

    Attributes:
        trunk: `[B, ...]` to features `[B, F]`.
        heads: one for each task.
        inputs: the batch.
        targets: `[T, B]`.
    """

    trunk: nn.Module
    heads: nn.ModuleDict
    inputs: Tensor
    targets: Tensor

    @property
    def model(self) -> nn.Module:
        """The trunk and the heads."""
        return nn.ModuleList([self.trunk, self.heads])

    def features(self) -> Tensor:
        """Runs the trunk."""
        found: Tensor = self.trunk(self.inputs)
        return found

    def losses(self, features: Tensor | None = None) -> dict[str, Tensor]:
        """Runs the heads, and the trunk if it was not: `{task: loss}`."""
        known = self.features() if features is None else features
        pairs = zip(self.heads.items(), self.targets, strict=True)
        return {task: F.mse_loss(head(known)[:, 0], target) for (task, head), target in pairs}


class Tokens(nn.Module):
    """The mean over the tokens of a transformer encoder."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(256, 8, 512, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        """`[B, 64, 256]` to `[B, 256]`."""
        encoded: Tensor = self.encoder(tokens)
        return encoded.mean(dim=1)


def mlp(tasks: int, width: int = 512) -> Problem:
    """Four hidden layers on 256 inputs, batch 256."""
    sizes = [256] + 4 * [width]
    layers = [
        layer
        for before, after in pairwise(sizes)
        for layer in (nn.Linear(before, after), nn.ReLU())
    ]
    return _problem(nn.Sequential(*layers), torch.randn(256, 256), width, tasks)


def wide_mlp(tasks: int) -> Problem:
    """The MLP with hidden layers of 1024."""
    return mlp(tasks, 1024)


def conv_net(tasks: int) -> Problem:
    """Four convolutions of 32, 64, 128 and 128 channels on images of 64x64, batch 16."""
    sizes = [3, 32, 64, 128, 128]
    layers = [
        layer
        for before, after in pairwise(sizes)
        for layer in (nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    ]
    trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return _problem(trunk, torch.randn(16, 3, 64, 64), 128, tasks)


def transformer(tasks: int) -> Problem:
    """An encoder of four layers, width 256, 64 tokens, batch 16."""
    return _problem(Tokens(), torch.randn(16, 64, 256), 256, tasks)


def _problem(trunk: nn.Module, inputs: Tensor, features: int, tasks: int) -> Problem:
    heads = nn.ModuleDict({f"task{number}": nn.Linear(features, 1) for number in range(tasks)})
    return Problem(trunk, heads, inputs, torch.randn(tasks, len(inputs)))
