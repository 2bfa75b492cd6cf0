import math

import pytest
import torch
from torch.nn import functional as F

from plait.core.errors import ConfigError, ShapeError
from plait.encoders.sound import LogMel, mel_filters, real_frames


def mel(frequency: float) -> float:
    return 2595 * math.log10(1 + frequency / 700)


def slow_filters(rate: int, bins: int, mels: int) -> list[list[float]]:
    """The weight of each bin in each triangle, one by one."""
    corners = [700 * (10 ** (mel(rate / 2) * k / (mels + 1) / 2595) - 1) for k in range(mels + 2)]
    rows = []
    for bin in range(bins):
        f = rate / 2 * bin / (bins - 1)
        row = []
        for left, peak, right in zip(corners, corners[1:], corners[2:], strict=False):
            if left <= f <= peak:
                row.append((f - left) / (peak - left))
            elif peak < f <= right:
                row.append((right - f) / (right - peak))
            else:
                row.append(0.0)
        rows.append(row)
    return rows


@pytest.mark.parametrize(("rate", "bins", "mels"), [(8000, 129, 40), (16000, 257, 23)])
def test_filters_are_triangles_on_the_mel_scale(rate: int, bins: int, mels: int) -> None:
    expected = torch.tensor(slow_filters(rate, bins, mels), dtype=torch.float64)
    torch.testing.assert_close(mel_filters(rate, bins, mels), expected, rtol=1e-9, atol=1e-9)


def test_too_many_bands_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`mels` must leave.*found 200 at a rate of 8000"):
        mel_filters(8000, 129, 200)


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
@pytest.mark.parametrize("seconds", [0.3, 0.004])
def test_it_is_the_spectrogram_of_torch_in_mel_bands(rate: int, seconds: float) -> None:
    torch.manual_seed(0)
    front = LogMel(rate, 20).double()
    samples = torch.randn(2, round(seconds * rate), dtype=torch.float64) / 10
    window, step = round(rate / 40), round(rate / 100)
    size = 2 ** math.ceil(math.log2(window))
    frames = math.ceil(samples.shape[1] / step)
    padded = F.pad(samples, (0, frames * step + size - samples.shape[1]))
    hann = F.pad(torch.hann_window(window, dtype=torch.float64), (0, size - window))
    power = (
        torch.stft(padded, size, step, window=hann, center=False, return_complex=True)
        .abs()
        .square()[..., :frames]
    )
    exact = mel_filters(rate, size // 2 + 1, 20)
    logs = torch.log1p(1e6 * (exact.mT @ power))
    mean, variance = logs.mean((1, 2), keepdim=True), logs.var((1, 2), keepdim=True, correction=0)
    expected = (logs - mean) / (variance + 1e-4).sqrt()
    torch.testing.assert_close(front(samples)[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_a_tone_is_brightest_in_its_band_at_any_loudness() -> None:
    front = LogMel(8000, 40)
    for frequency in (300, 1000, 2500):
        tone = torch.sin(2 * math.pi * frequency * torch.arange(4000) / 8000)
        corners = [mel(4000) * k / 41 for k in range(1, 41)]
        nearest = min(range(40), key=lambda k: abs(corners[k] - mel(frequency)))
        found = front(torch.stack([tone, 0.1 * tone]))[:, 0, :, 5:-5].mean(dim=2).argmax(dim=1)
        assert abs(int(found[0]) - nearest) <= 1
        assert int(found[1]) == int(found[0])


def test_padding_and_what_stands_in_it_change_nothing() -> None:
    torch.manual_seed(0)
    front = LogMel(8000, 20)
    short, long = torch.randn(1, 700), torch.randn(1, 2000)
    batch = torch.cat([F.pad(short, (0, 1300), value=7.0), long])
    mask = torch.arange(2000) < torch.tensor([[700], [2000]])
    found = front(batch, mask)
    torch.testing.assert_close(found[:1, ..., :9], front(short), rtol=1e-4, atol=1e-4)
    assert not found[0, ..., 9:].any()
    torch.testing.assert_close(found[1:], front(long), rtol=1e-4, atol=1e-4)


def test_silence_and_empty_recordings_are_finite() -> None:
    front = LogMel(8000, 20)
    assert not front(torch.zeros(2, 500)).any()
    assert front(torch.zeros(2, 0)).shape == (2, 1, 20, 1)
    assert not front(torch.randn(2, 500), torch.zeros(2, 500).bool()).any()
    samples = torch.zeros(1, 500, requires_grad=True)
    front(samples).square().sum().backward()
    assert samples.grad is not None and samples.grad.isfinite().all()


def test_a_frame_is_real_if_one_of_its_samples_is() -> None:
    mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 1], [0] * 7]).bool()
    expected = torch.tensor([[1, 1, 0], [0, 0, 1], [0, 0, 0]]).bool()
    assert torch.equal(real_frames(mask, 3, 3), expected)
    assert torch.equal(real_frames(mask, 2, 3), expected[:, :2])
    assert torch.equal(real_frames(mask[:, :0], 1, 3), torch.zeros(3, 1).bool())


def test_other_inputs_are_refused() -> None:
    for inputs in (torch.zeros(2, 3, 4), torch.zeros(2, 30, dtype=torch.long)):
        with pytest.raises(ShapeError, match=r"samples .B, N. .*Is this a column of sounds"):
            LogMel(8000, 20)(inputs)
