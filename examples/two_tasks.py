"""What the examples train: a table of two tasks with missing labels, and a network for it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import TensorDataset

ROWS = 96
BATCH = 16  # of all processes together
EPOCHS = 3
RATE = 0.01
MISSING = -1  # no class


class TwoTasks(nn.Module):
    """Learns a number, "size", and one of three classes, "kind", with one trunk."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh())
        self.size = nn.Linear(16, 1)
        self.kind = nn.Linear(16, 3)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns sizes `[B]` and logits of kinds `[B, 3]` of inputs `[B, 8]`."""
        features = self.trunk(inputs)
        return self.size(features).squeeze(1), self.kind(features)


def table() -> TensorDataset:
    """Returns inputs `[N, 8]`, sizes `[N]` (NaN: no label) and kinds `[N]` (-1: no label)."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(ROWS, 8, generator=draw)
    sizes = inputs[:, :4].prod(1) + inputs[:, 4]
    kinds = inputs[:, 2:5].argmax(1)
    sizes[torch.rand(ROWS, generator=draw) < 0.3] = torch.nan
    kinds[torch.rand(ROWS, generator=draw) < 0.8] = MISSING
    return TensorDataset(inputs, sizes, kinds)


def losses_of(
    model: nn.Module, inputs: Tensor, sizes: Tensor, kinds: Tensor
) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Returns the mean loss of each task that a batch has labels of, and how many they are."""
    guessed, logits = model(inputs)
    sized, named = sizes.isfinite(), kinds != MISSING
    counts = {"size": int(sized.sum()), "kind": int(named.sum())}
    losses = {}
    if counts["size"]:
        losses["size"] = functional.mse_loss(guessed[sized], sizes[sized])
    if counts["kind"]:
        losses["kind"] = functional.cross_entropy(logits[named], kinds[named])
    return losses, counts
