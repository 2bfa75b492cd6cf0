"""Encoders of every sort, and a look at all that a call could change in one."""

from typing import Any

import torch
from torch import Tensor, nn

from plait.core import Masked, PerTask


def images(batch: int = 3) -> Tensor:
    return torch.randn(batch, 3, 9, 13)


def conv() -> nn.Sequential:
    """Convolutions with batch statistics and dropout; one part is frozen in eval mode."""
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Conv2d(4, 6, 3, stride=2),
        nn.BatchNorm2d(6),
    )
    net[5].eval()
    return net


class Named(nn.Module):
    """Parts with names, in another order than they are applied in, and a function between."""

    def __init__(self) -> None:
        super().__init__()
        self.top = nn.Linear(4, 5)
        self.blocks = nn.ModuleDict({"b": nn.BatchNorm2d(4)})
        self.stem = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.top(self.blocks["b"](self.stem(x)).mean(dim=(2, 3)))


def mean(x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3))


NAMED_PARTS = ["stem", "blocks.b", mean, "top"]


class Tokens(nn.Module):
    """Embedding and transformer: whole numbers in, tokens out."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
        self.stages = nn.ModuleList(
            [nn.Embedding(11, 8), nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)]
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.stages[1](self.stages[0](x))


class Recurrent(nn.Module):
    """An LSTM, which gives more than one tensor."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 4, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x)[0]


class ReadsValues(nn.Module):
    """Refuses `meta`: the number of steps is a value of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(5)
        self.step = nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(1 + int(x.abs().max().item())):
            x = self.step(self.norm(x))
        return x


class FromDict(nn.Module):
    """Reads a dict of an image and a table."""

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Conv2d(3, 4, 3)
        self.table = nn.Linear(2, 4)

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        return self.image(x["image"]) + self.table(x["table"])[:, :, None, None]


class Padded(nn.Module):
    """A layer that is given the padding mask: subtracts the mean of the real positions."""

    masked = True

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        real = torch.ones_like(x[..., 0]) if mask is None else mask.to(x.dtype)
        center = (x * real[..., None]).sum(1, keepdim=True) / real.sum(1)[:, None, None]
        return x - center


class Tied(nn.Module):
    """Two stages with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.stages[1].weight = self.stages[0].weight

    def forward(self, x: Tensor) -> Tensor:
        return self.stages[1](self.stages[0](x))


def snapshot(module: nn.Module) -> dict[str, Any]:
    """Everything that a call must leave as it was."""
    return {
        "state": {name: value.clone() for name, value in module.state_dict().items()},
        "same": [id(value) for value in (*module.parameters(), *module.buffers())],
        "gradients": [p.grad for p in module.parameters()],
        "needed": [p.requires_grad for p in module.parameters()],
        "modes": {name: part.training for name, part in module.named_modules()},
        "devices": {str(p.device) for p in (*module.parameters(), *module.buffers())},
        "random": torch.get_rng_state(),
    }


def assert_unchanged(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before["state"].keys() == after["state"].keys()
    for name, value in before["state"].items():
        assert torch.equal(value, after["state"][name]), name
    assert torch.equal(before["random"], after["random"])
    for key in ("same", "gradients", "needed", "modes", "devices"):
        assert before[key] == after[key], key


def per_task() -> PerTask:
    return PerTask({"a": images(), "b": images()})


def padded() -> Masked:
    mask = torch.tensor([[True, True, False], [True, False, False]])
    return Masked(torch.randn(2, 3, 4), mask)
