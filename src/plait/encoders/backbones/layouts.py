"""Layers between plait's images and maps and those of another library."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.core.errors import ShapeError

CENTER, SCALE = 0.5, 0.25  # plait's images are (x - 0.5) / 0.25, with x in 0..1


class Renormalise(nn.Module):
    """Images as plait gives them, in the normalisation that a backbone was trained with.

        y = (x - mean) / std,    x = 0.5 + 0.25 image

    Args:
        mean: of each channel of images in 0..1, or one for all channels.
        std: likewise.
    """

    factor: Tensor
    shift: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        means, stds = (torch.tensor(list(each), dtype=torch.float64) for each in (mean, std))
        factor, shift = SCALE / stds, (CENTER - means) / stds
        for name, values in (("factor", factor), ("shift", shift)):
            self.register_buffer(name, values.float().view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the images in the backbone's normalisation."""
        return images * self.factor.to(images) + self.shift.to(images)


class ChannelsFirst(nn.Module):
    """Maps `[B, H, W, C]` as `[B, C, H, W]`."""

    def forward(self, maps: Tensor) -> Tensor:
        """Returns a view with the channels first."""
        return maps.movedim(-1, 1)


class ChannelsLast(nn.Module):
    """Maps `[B, C, H, W]` as `[B, H, W, C]`."""

    def forward(self, maps: Tensor) -> Tensor:
        """Returns a view with the channels last."""
        return maps.movedim(1, -1)


class OnGrid(nn.Module):
    """Tokens `[B, N, C]` of a picture as maps `[B, C, H, W]`.

    Args:
        shape: height / width of the pictures.
    """

    def __init__(self, shape: float) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, tokens: Tensor) -> Tensor:
        """Returns the tokens on their grid."""
        return on_grid(tokens, self.shape)


def on_grid(tokens: Tensor, shape: float) -> Tensor:
    """Returns the tokens `[B, N, C]` of a picture as maps `[B, C, H, W]`.

    Args:
        tokens: of places alone, row by row.
        shape: height / width of the picture.
    """
    height, width = grid_for(tokens.shape[1], shape)
    return tokens.mT.reshape(len(tokens), -1, height, width)


def grid_for(positions: int, shape: float) -> tuple[int, int]:
    """Returns height and width of a grid with so many positions, height / width nearest to shape.

    Raises:
        ShapeError: none comes near it: some of the positions are no places of a picture.

    Example:
        >>> grid_for(12, 0.75), grid_for(16, 1.0)
        ((3, 4), (4, 4))
    """
    width = max(1, round(math.sqrt(positions / shape)))
    sides = [w for w in range(max(1, width - 1), width + 2) if positions % w == 0]
    if not sides:
        raise ShapeError(
            f"the tokens of a picture must fill a grid; found {positions} of them for a picture "
            f"with height / width {shape:g}. Give pictures of the size that the network takes."
        )
    best = min(sides, key=lambda w: abs(math.log(positions / w / w / shape)))
    return positions // best, best
