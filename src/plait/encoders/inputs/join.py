"""Stages that bring several inputs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.errors import ShapeError
from plait.core.features import FeatureShape
from plait.core.keys import safe_key
from plait.networks import Stage, encode, run_stage, unmasked
from plait.networks.grids import pool


class Concatenate(nn.Module):
    """The vectors of several inputs one after the other; maps and tokens are pooled.

        z = [pool(f_1(x_1)), ..., pool(f_n(x_n))]

    Args:
        encoders: `{input: encoder}`.

    Shapes: inputs `{input: batch}` to `[B, C_1 + ... + C_n]`.

    Raises:
        ShapeError: the inputs are no dict, or one of them is missing.
    """

    def __init__(self, encoders: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.names = list(encoders)
        self.encoders = nn.ModuleDict({safe_key(name): each for name, each in encoders.items()})

    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """Returns the vectors of all inputs."""
        check_inputs(inputs, self.names)
        found = [pool(encode(self.encoders[safe_key(name)], inputs[name])) for name in self.names]
        return torch.cat(found, dim=1)


class Lay(nn.Module):
    """A stage of one input, with a vector of the other inputs laid beside every position.

        h_p = [s(x)_p, V z + c],    z the vectors of the others

    Args:
        dense: the name of the input whose positions are kept.
        stage: the first stage of its encoder.
        channel_dim: the axis of that encoder's channels.
        others: `{input: encoder}`.
        fan_in: numbers in the vectors of the others.
        beside: channels that are laid beside.

    Shapes: inputs `{input: batch}` to the stage's positions, with `beside` channels more.
    """

    masked = True

    def __init__(
        self,
        dense: str,
        stage: Stage,
        channel_dim: int,
        others: Mapping[str, nn.Module],
        fan_in: int,
        beside: int,
    ) -> None:
        super().__init__()
        self.dense = dense
        self.stage = stage
        self.channel_dim = channel_dim
        self.others = Concatenate(others)
        self.enter = nn.Linear(fan_in, beside)

    def forward(self, inputs: Mapping[str, Any], mask: Tensor | None = None) -> Tensor:
        """Returns the stage's output with the other inputs beside it."""
        check_inputs(inputs, [self.dense, *self.others.names])
        own = inputs[self.dense]
        values, mask = unmasked(own, self)
        return laid(
            run_stage(self.stage, values, mask), self.enter(self.others(inputs)), self.channel_dim
        )


class Carry(nn.Module):
    """A later stage of one input, which hands on what was laid beside its positions.

    Args:
        stage: reads the first channels.
        channels: how many it reads.
        channel_dim: the axis of the channels.

    Shapes: as `stage`, with the same number of channels more at both ends.
    """

    masked = True

    def __init__(self, stage: Stage, channels: int, channel_dim: int) -> None:
        super().__init__()
        self.stage = stage
        self.channels = channels
        self.channel_dim = channel_dim

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the stage's output with the same vector beside every position."""
        axis, more = self.channel_dim, hidden.shape[self.channel_dim] - self.channels
        own = hidden.narrow(axis, 0, self.channels)
        beside = hidden.narrow(axis, self.channels, more)
        rows = beside.movedim(self.channel_dim, 1).flatten(2)
        # all positions are alike; a sentence without one has nothing to lay it beside
        vector = rows[..., 0] if rows.shape[2] else rows.new_zeros(rows.shape[:2])
        return laid(run_stage(self.stage, own, mask), vector, self.channel_dim)


def laid(values: Tensor, vectors: Tensor, channel_dim: int) -> Tensor:
    """Returns values with a vector `[B, k]` as `k` more channels at every position."""
    if values.dim() == 2:
        return torch.cat([values, vectors], dim=1)
    rows = values.movedim(channel_dim, 1)
    spread = vectors.view(*vectors.shape, *[1] * (rows.dim() - 2)).expand(-1, -1, *rows.shape[2:])
    return torch.cat([values, spread.movedim(1, channel_dim)], dim=channel_dim)


def pointwise(shape: FeatureShape, fan_in: int, fan_out: int) -> nn.Module:
    """Makes a linear layer and ReLU that act at every position of the last level alike."""
    axes = len(shape.levels[-1])
    if shape.channel_dim == -1 or axes == 1:
        return nn.Sequential(nn.Linear(fan_in, fan_out), nn.ReLU())
    layers = {2: nn.Conv1d, 3: nn.Conv2d, 4: nn.Conv3d}
    return nn.Sequential(layers[axes](fan_in, fan_out, kernel_size=1), nn.ReLU())


def check_inputs(inputs: Any, names: Sequence[str]) -> None:
    """Raises `ShapeError` if inputs are no dict of these names."""
    if isinstance(inputs, Mapping) and all(name in inputs for name in names):
        return
    found = ", ".join(map(str, inputs)) if isinstance(inputs, Mapping) else type(inputs).__name__
    raise ShapeError(
        f"inputs must be a dict of {', '.join(names)}, as the columns of the encoder say; found "
        f"{found}."
    )
