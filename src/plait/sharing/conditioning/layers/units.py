"""Modules that one task adds to a layer; all but the masks start as no change at all."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def along(values: Tensor, hidden: Tensor, trailing: bool) -> Tensor:
    """Returns values in a shape that meets the last axes of `hidden`, or its axis 1."""
    if trailing:
        return values
    return values.reshape(-1, *[1] * (hidden.dim() - 2))


class Affine(nn.Module):
    """A scale and a shift: (1 + scale) h + shift.

    Both start at 0, where weight decay pulls them.

    Args:
        shape: of the channels.
        trailing: whether these are the last axes; otherwise axis 1.
    """

    def __init__(self, shape: tuple[int, ...], trailing: bool) -> None:
        super().__init__()
        self.trailing = trailing
        self.scale = nn.Parameter(torch.zeros(shape))
        self.shift = nn.Parameter(torch.zeros(shape))

    def forward(self, hidden: Tensor) -> Tensor:
        """Returns the scaled and shifted values."""
        scale, shift = (along(each, hidden, self.trailing) for each in (self.scale, self.shift))
        return hidden * (1 + scale) + shift


class Mask(nn.Module):
    """A fixed random choice of channels; the others are 0.

    Args:
        channels: their number.
        trailing: whether they are the last axis; otherwise axis 1.
        keep: share of them that stays; at least one does.
    """

    mask: Tensor

    def __init__(self, channels: int, trailing: bool, keep: float) -> None:
        super().__init__()
        self.trailing = trailing
        mask = torch.zeros(channels, dtype=torch.bool)
        mask[torch.randperm(channels)[: max(1, round(keep * channels))]] = True
        self.register_buffer("mask", mask)

    def forward(self, hidden: Tensor) -> Tensor:
        """Returns the values of the chosen channels."""
        return hidden.where(along(self.mask, hidden, self.trailing), 0.0)


class Update(nn.Module):
    """A learned matrix D that starts at 0, of full or of low rank.

        D = full,    or    D = scale x up down

    `down` is drawn from U(-1/sqrt(columns), 1/sqrt(columns)), and `up` starts at 0.

    Args:
        rows: height of a block.
        columns: width of D.
        rank: of a block; None for a full one.
        scale: factor of D.
        blocks: D is that many blocks, one above the other.

    Attributes:
        lr_scale: factor of its learning rate; None, the default, has that of the module around it.
    """

    lr_scale: float | None = None

    def __init__(
        self, rows: int, columns: int, rank: int | None, *, scale: float = 1.0, blocks: int = 1
    ) -> None:
        super().__init__()
        self.scale = scale
        self.full: nn.Parameter | None = None
        if rank is None:
            self.full = nn.Parameter(torch.zeros(blocks, rows, columns))
        else:
            bound = 1 / math.sqrt(columns)
            self.down = nn.Parameter(torch.empty(blocks, rank, columns).uniform_(-bound, bound))
            self.up = nn.Parameter(torch.zeros(blocks, rows, rank))

    def matrix(self) -> Tensor:
        """Returns D, `[blocks x rows, columns]`."""
        blocks = self.up @ self.down if self.full is None else self.full
        return self.scale * blocks.flatten(0, 1)

    def change(self, weight: Tensor) -> Tensor:
        """Returns D in the shape of a weight."""
        return self.matrix().view_as(weight)

    def forward(self, hidden: Tensor) -> Tensor:
        """Returns D h for the last axis of `hidden`; of one block."""
        if self.full is not None:
            return self.scale * F.linear(hidden, self.full[0])
        return self.scale * F.linear(F.linear(hidden, self.down[0]), self.up[0])


class Tap(Update):
    """An `Update` of the centre of a convolution's kernel: a 1x1 convolution in parallel."""

    def change(self, weight: Tensor) -> Tensor:
        """Returns D at the centre and 0 around it."""
        around: list[int] = []
        for size in reversed(weight.shape[2:]):
            around += [(size - 1) // 2, size // 2]
        centre = self.matrix().reshape(*weight.shape[:2], *[1] * (weight.dim() - 2))
        return F.pad(centre, around)


class ResidualMap(nn.Module):
    """A residual map of channels, h + D h: a 1x1 convolution, or a linear layer, in series.

    Args:
        channels: their number.
        trailing: whether they are the last axis; otherwise axis 1.
        rank: of D, None for a full one.
    """

    def __init__(self, channels: int, trailing: bool, rank: int | None) -> None:
        super().__init__()
        self.trailing = trailing
        self.update = Update(channels, channels, rank)

    def forward(self, hidden: Tensor) -> Tensor:
        """Returns h + D h."""
        added: Tensor = self.update(hidden if self.trailing else hidden.movedim(1, -1))
        return hidden + (added if self.trailing else added.movedim(-1, 1))
