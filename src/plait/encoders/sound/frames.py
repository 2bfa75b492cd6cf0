"""Convolutions over spectrograms, and their summary, that leave padding out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.encoders.sound.log_mel import real_frames


class ConvFrames(nn.Module):
    """A convolution 3x3, a norm of each frame, ReLU and max pooling 2x2, for real frames alone.

        n(x) = g (x - mean_t(x)) / sqrt(var_t(x) + 1e-5) + b

    Mean and variance are those of one frame t over all channels and bands, so that neither other
    recordings nor padding count; g and b belong to a channel. Padding is 0 to the convolution, as
    what is beyond the ends.

    Args:
        fan_in, fan_out: channels.
        step: samples of the recording between the frames that it reads.

    Shapes: maps `[B, fan_in, M, T]` to `[B, fan_out, M / 2, T / 2]`, rounded up; 0 in the padding.

    Reference: Ba, Kiros, Hinton, "Layer Normalization", arXiv 1607.06450, 2016.
    """

    masked = True

    def __init__(self, fan_in: int, fan_out: int, step: int) -> None:
        super().__init__()
        self.step = step
        self.mix = nn.Conv2d(fan_in, fan_out, kernel_size=3, padding=1, bias=False)
        self.gain = nn.Parameter(torch.ones(fan_out, 1, 1))
        self.shift = nn.Parameter(torch.zeros(fan_out, 1, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new weights."""
        nn.init.kaiming_normal_(self.mix.weight, nonlinearity="relu")
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.shift)

    def forward(self, maps: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the maps of half the frames and bands."""
        real = None if mask is None else real_frames(mask, maps.shape[3], self.step)[:, None, None]
        mixed = self.mix(maps if real is None else maps.where(real, 0))
        centred = mixed - mixed.mean(dim=(1, 2), keepdim=True)
        variance = centred.square().mean(dim=(1, 2), keepdim=True)
        normed = centred * torch.rsqrt(variance + 1e-5) * self.gain + self.shift
        opened = normed.relu() if real is None else normed.relu().where(real, 0)
        # of a frame and padding the frame is left, since nothing is below 0
        return F.max_pool2d(opened, 2, ceil_mode=True)


class Summary(nn.Module):
    """Mean and maximum over the real frames, a linear layer and ReLU; one vector for a recording.

        z = max(0, W [mean_t(x), max_t(x)] + c)

    A recording without a real frame has 0 for both.

    Args:
        fan_in: channels times bands.
        width: length of the vector.
        step: samples of the recording between the frames that it reads.
        dropout: share of what the linear layer reads that is left out in training.

    Shapes: maps `[B, C, M, T]` with C M = `fan_in` to `[B, width]`.
    """

    masked = True

    def __init__(self, fan_in: int, width: int, step: int, dropout: float) -> None:
        super().__init__()
        self.step = step
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * fan_in, width), nn.ReLU())

    def forward(self, maps: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the vectors."""
        frames = maps.flatten(1, 2)
        if mask is None:
            found = [frames.mean(dim=2), frames.amax(dim=2)]
        else:
            real = real_frames(mask, maps.shape[3], self.step).unsqueeze(1)
            total = frames.where(real, 0).sum(dim=2)
            largest = frames.where(real, -torch.inf).amax(dim=2)
            found = [
                total / real.sum(dim=2).clamp(min=1),
                largest.where(real.any(dim=2), 0),
            ]
        out: Tensor = self.layers(torch.cat(found, dim=1))
        return out
