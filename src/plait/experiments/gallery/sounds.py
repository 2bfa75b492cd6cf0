"""A recording as a picture: its waveform over its spectrogram."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

WIDTH, WAVE, GAP, SPECTRUM = 600, 80, 8, 128  # pixels
INK = (0, 114, 178)  # of the waveform, seen on a light and on a dark page
WINDOW = 0.025  # seconds of sound in a column of the spectrogram
RANGE = 80.0  # decibels from the loudest to what is drawn as silence
# From silent to loud: dark blue over grey to yellow, even in brightness, told apart with any
# colour vision
_LOUDNESS = np.array([[0, 32, 77], [66, 78, 107], [124, 123, 120], [188, 175, 111], [255, 234, 70]])

Array = np.ndarray[Any, Any]


def drawn(samples: Array, rate: int) -> Array:
    """Draws a recording: uint8 `[216, 600, 4]`, time to the right.

    Above the waveform, lowest and highest value of each column, as high as its peak, on clear
    ground; below the power spectrum of windows of 25 ms (Hann), from 0 Hz at the bottom to half the
    rate at the top, in decibels below the loudest.

    Args:
        samples: float `[N]` in [-1, 1]; silence if N is 0.
        rate: samples in a second.
    """
    picture = np.zeros((WAVE + GAP + SPECTRUM, WIDTH, 4), np.uint8)
    samples = samples if len(samples) else np.zeros(1)
    picture[:WAVE][_waveform(samples)] = (*INK, 255)
    picture[WAVE + GAP :] = _spectrogram(samples, rate)
    return picture


def _waveform(samples: Array) -> Array:
    """Marks the pixels of the waveform: bool `[WAVE, WIDTH]`."""
    edges = np.linspace(0, len(samples), WIDTH + 1)
    starts = np.minimum(edges[:-1].astype(int), len(samples) - 1)
    stops = np.maximum(np.ceil(edges[1:]).astype(int), starts + 1)
    # With the first sample of the next column, so that the line has no gaps
    spans = [samples[start : stop + 1] for start, stop in zip(starts, stops, strict=True)]
    lows = np.array([span.min() for span in spans])
    highs = np.array([span.max() for span in spans])
    peak = max(abs(lows).max(), abs(highs).max()) or 1.0
    row = np.arange(WAVE)[:, None]  # the peak is in the first row or in the last
    top, bottom = ((1 - side / peak) / 2 * (WAVE - 1) for side in (highs, lows))
    inked: Array = (row >= np.floor(top)) & (row <= np.ceil(bottom + 0.5))
    return inked


def _spectrogram(samples: Array, rate: int) -> Array:
    """Draws the spectrogram: uint8 `[SPECTRUM, WIDTH, 4]`."""
    size = max(round(WINDOW * rate), 16)
    length = max(len(samples), size)
    hop = max(length // WIDTH, 1)
    padded = torch.zeros(length + size, dtype=torch.float64)
    padded[size // 2 : size // 2 + len(samples)] = torch.from_numpy(samples.astype(np.float64))
    frames = padded.unfold(0, size, hop) * torch.hann_window(size, dtype=torch.float64)
    transform = max(size, 2 * SPECTRUM)
    power = torch.fft.rfft(frames, n=transform).abs().square().T.numpy()[::-1]
    loudest = power.max()
    decibels = 10 * np.log10(np.maximum(power / (loudest or 1.0), 10 ** (-RANGE / 10)))
    loudness = 1 + decibels / RANGE  # 0..1
    rows = np.linspace(0, loudness.shape[0] - 1, SPECTRUM).round().astype(int)
    columns = np.linspace(0, loudness.shape[1] - 1, WIDTH).round().astype(int)
    shown = loudness[np.ix_(rows, columns)]
    scale = np.linspace(0, 1, len(_LOUDNESS))
    colours = [np.interp(shown, scale, _LOUDNESS[:, channel]) for channel in range(3)]
    return np.dstack([*colours, np.full_like(shown, 255)]).round().astype(np.uint8)
