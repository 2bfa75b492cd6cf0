"""Sounds are decoded, mixed to one channel, resampled and cut."""

import io

import numpy as np
import pytest
import soundfile

from plait.core.errors import DataError
from plait.data.sounds import sound


def encoded(samples: np.ndarray, rate: int = 8000, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


def tone(rate: int, seconds: float, pitch: float = 200.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_samples_are_those_of_the_file(kind: str) -> None:
    samples = tone(8000, 0.1)
    found = sound(encoded(samples, kind=kind), "a.wav", rate=8000, seconds=1.0)
    assert found.shape == (800,)
    np.testing.assert_allclose(found.numpy(), samples, atol=2 / 2**15)


def test_channels_become_their_mean() -> None:
    left, right = tone(8000, 0.05), tone(8000, 0.05, pitch=300)
    found = sound(encoded(np.stack([left, right], axis=1)), "a", rate=8000, seconds=1.0)
    np.testing.assert_allclose(found.numpy(), (left + right) / 2, atol=2 / 2**15)


@pytest.mark.parametrize("own", [4000, 16000, 44100])
def test_another_rate_gives_the_same_tone(own: int) -> None:
    found = sound(encoded(tone(own, 0.5), own), "a", rate=8000, seconds=1.0)
    assert len(found) == 4000
    inner = slice(400, -400)  # the filter needs room at the ends
    np.testing.assert_allclose(found.numpy()[inner], tone(8000, 0.5)[inner], atol=5e-3)


def test_what_is_longer_is_cut_off() -> None:
    samples = tone(8000, 0.2)
    found = sound(encoded(samples), "a", rate=8000, seconds=0.05)
    np.testing.assert_allclose(found.numpy(), samples[:400], atol=2 / 2**15)


@pytest.mark.parametrize("content", [b"", b"no sound at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_sound_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(DataError, match=r"voice\.wav must be a whole sound file"):
        sound(content, "voice.wav", rate=8000, seconds=1.0)


def test_a_sound_without_a_sample_is_refused() -> None:
    with pytest.raises(DataError, match="it is empty"):
        sound(encoded(np.zeros(0)), "a", rate=8000, seconds=1.0)


def test_an_absurd_rate_is_refused_before_anything_is_made_of_it() -> None:
    content = bytearray(encoded(tone(8000, 0.1)))
    content[24:28] = (2**31 - 1).to_bytes(4, "little")  # the rate in the head of a WAV file
    with pytest.raises(DataError, match="found 2,147,483,647 a second"):
        sound(bytes(content), "a", rate=8000, seconds=1.0)


def test_samples_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.data.sounds.MAX_SAMPLES", 1_000)
    with pytest.raises(DataError, match="800 of 2 channels"):
        sound(encoded(np.zeros((8000, 2))), "a", rate=8000, seconds=0.1)


def test_a_message_says_nothing_of_the_stream_that_was_read() -> None:
    with pytest.raises(DataError) as caught:
        sound(encoded(tone(8000, 0.1))[:30], "a.wav", rate=8000, seconds=1.0)
    assert "BytesIO" not in str(caught.value)


def test_a_truncated_sound_is_refused_and_one_of_unknown_length_is_read() -> None:
    whole = encoded(tone(8000, 0.1))
    with pytest.raises(DataError, match=r"a\.wav .*; its head says 800 samples, it has fewer"):
        sound(whole[:900], "a.wav", rate=8000, seconds=1.0)
    place = whole.index(b"data") + 4
    piped = whole[:place] + b"\xff\xff\xff\xff" + whole[place + 4 :]
    assert len(sound(piped, "a.wav", rate=8000, seconds=1.0)) == 800
