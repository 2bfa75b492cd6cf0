"""A network for recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.options import AtLeast, Count
from plait.core.structure import Masked
from plait.encoders.sound import ConvFrames, LogMel, Summary
from plait.networks import encode


class AudioEncoder(nn.Module):
    """Reads recordings as samples: log-mel spectrogram, convolutions, one vector for each.

        S = log-mel(x),    h_b = pool(max(0, norm(W_b * h_(b-1)))),    z = summary(h_last)

    The spectrogram is computed in the network (windows of 25 ms every 10 ms, each recording brought
    to one loudness), so that a model needs nothing else to read a recording. The summary is the
    mean and the maximum over time of each channel and band. Padding changes nothing: a recording
    has the same vector alone and in a batch of longer ones, to rounding.

    Args:
        rate: samples in a second of all recordings.
        mels: bands of the spectrogram, equally far apart on the mel scale from 0 to half the rate.
        widths: channels of each convolution, at least one; each halves frames and bands.
        features: length of the vector.
        dropout: share of the summary that is left out in training, 0 to 1.

    Shapes:
        `Masked(samples [B, N], mask [B, N])`, or samples without padding, to `[B, features]`. Each
        convolution is a stage, the first one with the spectrogram, whose levels are
        `[B, widths[b], mels / 2^(b+1), T / 2^(b+1)]`, rounded up, with T frames of 10 ms, and the
        summary is the last stage. A recording may be shorter than a window, or empty. What
        `torch.export` makes takes any length that is a multiple of 2^n frames, n convolutions.

    Raises:
        ConfigError: so many bands that one has no part of the spectrum.

    Cost: with the default widths about 45 million multiplications for a second of sound at 8 kHz.

    Example:
        >>> import torch
        >>> AudioEncoder(rate=8000, widths=(4, 8), features=16)(torch.zeros(2, 4000)).shape
        torch.Size([2, 16])

    Reference: Kong et al., "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern
        Recognition", IEEE/ACM Transactions on Audio, Speech, and Language Processing 28, 2020.
    """

    channel_dim = 1
    masked = True
    reads_codes = True  # gates read the features instead

    @checked
    def __init__(
        self,
        *,
        rate: Annotated[int, AtLeast(1000)],
        mels: Count = 40,
        widths: Sequence[Count] = (32, 64, 128),
        features: Count = 128,
        dropout: Annotated[float, AtLeast(0)] = 0.2,
    ) -> None:
        super().__init__()
        self.rate = rate
        self.mels = mels
        self.widths = tuple(widths)
        self.features = features
        self.dropout = dropout
        front = LogMel(rate, mels)
        channels, bands, step = 1, mels, front.step
        self.stages = nn.ModuleList()
        for width in self.widths:
            layer = ConvFrames(channels, width, step)
            self.stages.append(layer if self.stages else nn.Sequential(front, layer))
            channels, bands, step = width, -(-bands // 2), 2 * step
        self.stages.append(Summary(channels * bands, features, step, dropout))

    def forward(self, inputs: Tensor | Masked, mask: Tensor | None = None) -> Tensor:
        """Returns the vectors of the recordings; the mask comes with the samples or beside them."""
        if isinstance(inputs, Tensor) and mask is not None:
            inputs = Masked(inputs, mask)
        return encode(self, inputs).levels[-1]
