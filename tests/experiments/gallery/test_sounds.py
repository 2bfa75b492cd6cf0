"""A drawn recording: time runs to the right, loud is bright, a tone lies at its frequency."""

import numpy as np
import pytest

from plait.experiments.gallery.sounds import GAP, INK, SPECTRUM, WAVE, WIDTH, drawn

RATE = 8000


def spectrum(samples: np.ndarray, rate: int = RATE) -> np.ndarray:
    """Brightness of the lower part, `[SPECTRUM, WIDTH]`."""
    picture = drawn(samples, rate)
    assert picture.shape == (WAVE + GAP + SPECTRUM, WIDTH, 4)
    return picture[WAVE + GAP :, :, :3].astype(int).sum(axis=2)


def waveform(samples: np.ndarray) -> np.ndarray:
    """Where the upper part has ink, `[WAVE, WIDTH]`."""
    picture = drawn(samples, RATE)[:WAVE]
    assert {tuple(each) for each in picture[picture[..., 3] > 0]} <= {(*INK, 255)}
    return picture[..., 3] > 0


@pytest.mark.parametrize("frequency", [500, 1000, 3000])
def test_a_tone_is_a_bright_line_at_its_frequency(frequency: int) -> None:
    time = np.arange(RATE) / RATE
    rows = spectrum(np.sin(2 * np.pi * frequency * time))[:, WIDTH // 4 : -WIDTH // 4].argmax(0)
    expected = (1 - frequency / (RATE / 2)) * (SPECTRUM - 1)
    assert np.abs(rows - expected).max() <= 1.5


def test_a_click_is_bright_at_its_time() -> None:
    samples = np.zeros(RATE)
    samples[RATE * 3 // 4] = 1.0
    bright = spectrum(samples).sum(axis=0)
    at = np.flatnonzero(bright == bright.max())
    assert abs(at.mean() - WIDTH * 3 / 4) <= 12  # half a window of 25 ms
    assert (bright[: WIDTH // 2] == bright.min()).all()


def test_silence_is_dark_and_its_waveform_a_line() -> None:
    assert len(np.unique(spectrum(np.zeros(RATE)))) == 1
    ink = waveform(np.zeros(RATE))
    assert ink.any(axis=0).all()
    assert ink.sum(axis=0).max() <= 3
    assert ink[WAVE // 2].all()


def test_a_quiet_waveform_is_as_high_as_a_loud_one() -> None:
    tone = np.sin(np.arange(RATE) / 50)
    assert np.array_equal(waveform(0.01 * tone), waveform(tone))


def test_a_waveform_reaches_its_peaks_and_has_no_gap() -> None:
    ink = waveform(np.r_[np.zeros(100), np.full(100, 1.0), np.full(100, -1.0)].astype(np.float32))
    assert ink[0, WIDTH // 3 + 2 : 2 * WIDTH // 3 - 2].all()
    assert ink[-1, 2 * WIDTH // 3 + 2 :].all()
    assert not ink[0, : WIDTH // 4].any()
    jumps = ink.sum(axis=0) == WAVE
    assert jumps.any(), "the jump from 1 to -1 is drawn"


@pytest.mark.parametrize("count", [0, 1, 7, 100, 5 * 48_000])
@pytest.mark.parametrize("rate", [1, 8000, 48_000])
def test_any_length_and_rate_is_drawn(count: int, rate: int) -> None:
    spectrum(np.linspace(-1, 1, count), rate)
