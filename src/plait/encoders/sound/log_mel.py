"""The log-mel spectrogram of recordings, without what is padding in them."""

from __future__ import annotations

import math
from contextlib import suppress

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError, ShapeError

SCALE = 1e6  # of a band's energy, so that the noise of 16 bits is well below 1


def mel_filters(rate: int, bins: int, mels: int) -> Tensor:
    """Makes triangular filters whose corners are equally far apart on the mel scale.

        m(f) = 2595 log10(1 + f / 700)

    Filter k rises from 0 at corner k to 1 at corner k + 1 and falls to 0 at corner k + 2; the
    corners go from 0 to half the rate.

    Args:
        rate: samples in a second.
        bins: of a spectrum, equally far apart from 0 to half the rate.
        mels: how many filters.

    Returns:
        float64 `[bins, mels]`.

    Raises:
        ConfigError: there are so many filters that one lies between two bins.

    Reference: O'Shaughnessy, "Speech Communication: Human and Machine", Addison-Wesley 1987.

    Example:
        >>> mel_filters(8000, 5, 2)[1:3]
        tensor([[0.6759, 0.3241],
                [0.0000, 0.9055]], dtype=torch.float64)
    """
    top = 2595 * math.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (torch.linspace(0, top, mels + 2, dtype=torch.float64) / 2595) - 1)
    frequencies = torch.linspace(0, rate / 2, bins, dtype=torch.float64).unsqueeze(1)
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (frequencies - left) / (peak - left), (right - frequencies) / (right - peak)
    filters = torch.minimum(rising, falling).clamp(min=0)
    if not bool(filters.any(dim=0).all()):
        raise ConfigError(
            f"`mels` must leave each filter a part of the spectrum; found {mels} at a rate of "
            f"{rate}. Take fewer."
        )
    return filters


class LogMel(nn.Module):
    """Energies of a recording in mel bands, frame by frame, as logarithms, one loudness for all.

        S_(k,t) = log(1 + 10^6 sum_f M_(f,k) |sum_n w_n x_(t h + n) e^(-2 pi i f n / N)|^2)
        z = (S - mean(S)) / sqrt(var(S) + 1e-4)

    w is a Hann window of 25 ms, h a step of 10 ms, N large enough for the narrowest band. Mean and
    deviation are those of the recording alone, over all its bins and real frames, so that its
    loudness does not count and the differences between its bands do. A frame is real if its first
    10 ms have a sample of the recording in them; the others are 0. Behind the end of a recording is
    silence.

    Args:
        rate: samples in a second, at least 1000.
        mels: bands.

    Shapes: samples `[B, N]` to `[B, 1, mels, T]`, T = N / h, rounded up.

    Raises:
        ShapeError: the samples are not `[B, N]`.

    Reference: Davis, Mermelstein, "Comparison of Parametric Representations for Monosyllabic Word
        Recognition in Continuously Spoken Sentences", IEEE Transactions on Acoustics, Speech, and
        Signal Processing 28, 1980.
    """

    masked = True
    waves: Tensor
    filters: Tensor

    def __init__(self, rate: int, mels: int) -> None:
        super().__init__()
        self.step = round(rate / 100)
        self.window = round(rate / 40)
        size, filters = _fine_enough(rate, self.window, mels)
        times = torch.arange(self.window, dtype=torch.float64)
        window = torch.sin(math.pi * times / self.window).square()
        angles = 2 * math.pi / size * times.unsqueeze(1) * torch.arange(size // 2 + 1)
        waves = torch.cat([angles.cos(), angles.sin()], dim=1) * window.unsqueeze(1)
        dtype = torch.get_default_dtype()
        self.register_buffer("waves", waves.to(dtype), persistent=False)
        self.register_buffer("filters", filters.to(dtype), persistent=False)

    def forward(self, samples: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the normalised spectrogram."""
        if samples.dim() != 2 or not samples.is_floating_point():
            raise ShapeError(
                f"recordings must be samples [B, N] in [-1, 1]; found {list(samples.shape)} of "
                f"{str(samples.dtype).removeprefix('torch.')}. Is this a column of sounds?"
            )
        frames = max(-(-samples.shape[1] // self.step), 1)
        real: Tensor | None = None
        if mask is not None:
            real = real_frames(mask, frames, self.step).unsqueeze(-1)
            samples = samples.masked_fill(~mask, 0)
        length = (frames - 1) * self.step + self.window
        samples = F.pad(samples, (0, length - samples.shape[1]))
        with _full_precision(samples.device.type):  # 3 digits would hide what is quiet
            parts = samples.unfold(1, self.window, self.step).to(self.waves.dtype) @ self.waves
            cosines, sines = parts.square().chunk(2, dim=-1)
            spectrogram = torch.log1p(SCALE * ((cosines + sines) @ self.filters))  # 0 in silence
            maps = _normalised(spectrogram, real)
        return maps.mT.unsqueeze(1)


def real_frames(mask: Tensor, frames: int, step: int) -> Tensor:
    """Tells of each frame whether it is real.

    Args:
        mask: boolean `[B, N]` of the samples.
        frames: how many there are, T.
        step: samples of a frame.

    Returns:
        boolean `[B, T]`, true where one of the frame's samples is real.
    """
    whole = F.pad(mask, (0, frames * step - mask.shape[1]))
    return whole.view(mask.shape[0], frames, step).any(dim=2)


def _fine_enough(rate: int, window: int, mels: int) -> tuple[int, Tensor]:
    """Returns the size of a transform with a bin in each filter, and the filters.

    The smallest power of two that holds the window, or up to 8 times that for narrow bands.
    """
    size = 2 ** math.ceil(math.log2(window))
    for each in (size, 2 * size, 4 * size):
        with suppress(ConfigError):
            return each, mel_filters(rate, each // 2 + 1, mels)
    return 8 * size, mel_filters(rate, 4 * size + 1, mels)


def _full_precision(device: str) -> torch.autocast:
    known = torch.amp.is_autocast_available(device)  # "meta" is not
    return torch.autocast(device if known else "cpu", enabled=False)


def _normalised(frames: Tensor, real: Tensor | None) -> Tensor:
    """Returns frames `[B, T, mels]` with a mean of 0 and a deviation of 1 over the real ones."""
    if real is None:
        real = frames.new_ones(*frames.shape[:2], 1, dtype=torch.bool)
    count = (real.sum(dim=1, keepdim=True) * frames.shape[2]).clamp(min=1)
    mean = frames.where(real, 0).sum(dim=(1, 2), keepdim=True) / count
    centred = (frames - mean).where(real, 0)
    variance = centred.square().sum(dim=(1, 2), keepdim=True) / count
    return centred * torch.rsqrt(variance + 1e-4)
