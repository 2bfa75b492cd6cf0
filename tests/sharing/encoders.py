"""An encoder of every kind, with inputs for it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from plait.encoders import as_staged


class Kind(NamedTuple):
    """How to make the encoder, and a batch of its inputs."""

    build: Callable[[], nn.Module]
    inputs: Callable[[int], Tensor]


class Tokens(nn.Module):
    """An embedding and a transformer: whole numbers in, tokens out."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, batch_first=True)
        body = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.stages = nn.ModuleList([nn.Embedding(11, 8), body])


class Opaque(nn.Module):
    """One stage, whatever it does."""

    def __init__(self) -> None:
        super().__init__()
        self.lower, self.upper = nn.Linear(5, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.upper(self.lower(x).relu()) + x[:, :3]


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))


def conv() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2))


class Block(nn.Module):
    """A residual block of rows, ``max(0, R(x) + F(x))``."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(fan_in, 3), nn.Tanh(), nn.Linear(3, fan_out))
        self.shortcut = nn.Linear(fan_in, fan_out) if fan_in != fan_out else None

    def forward(self, x: Tensor) -> Tensor:
        return (self.body(x) + (x if self.shortcut is None else self.shortcut(x))).relu()


def residual() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Linear(5, 6), nn.ReLU()),
        nn.Sequential(Block(6, 6), Block(6, 4)),
        Block(4, 4),
    )


def rows(batch: int) -> Tensor:
    return torch.randn(batch, 5)


KINDS = {
    "mlp": Kind(mlp, rows),
    "conv": Kind(conv, lambda batch: torch.randn(batch, 2, 6, 8)),
    "tokens": Kind(Tokens, lambda batch: torch.randint(0, 11, (batch, 7))),
    "cuts": Kind(lambda: as_staged(mlp(), cuts=[2]), rows),
    "parts": Kind(lambda: as_staged(mlp(), ["0", "1", "2"]), rows),
    "residual": Kind(residual, rows),
    "opaque": Kind(Opaque, rows),
}
