"""Sounds: decoded with checks, resampled, cut to a longest length."""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.core.errors import DataError
from plait.core.extras import need

UNKNOWN = 2**31  # bytes of sound, from which a head means that it does not know
FORMATS = ("WAV", "WAVEX", "FLAC", "OGG", "MP3", "AIFF")
MAX_RATE = 768_000  # samples a second; the filter between two rates grows with them
MAX_SAMPLES = 2**26  # of all channels; a small packed file may become as large as one likes


def sound(content: bytes, place: str, *, rate: int, seconds: float) -> Tensor:
    """Decodes a file of sound: float32 `[N]` in [-1, 1], at most ``rate * seconds`` samples.

    Several channels become their mean. Another rate is resampled with a filter of the polyphase
    kind (`scipy.signal.resample_poly`).

    Args:
        content: the file: WAV, FLAC, OGG, MP3 or AIFF.
        place: where the file is, for messages.
        rate: samples a second, at least 1.
        seconds: the longest that is kept, above 0; what follows is not read.

    Raises:
        DataError: the file is none of these, damaged, too large, or has no sample.
        MissingExtraError: soundfile or scipy is not installed.
    """
    with _opened(content, place) as file:
        own = file.samplerate
        frames = min(file.frames, math.ceil(seconds * own)) if file.frames > 0 else -1
        if own > MAX_RATE or frames * file.channels > MAX_SAMPLES:
            raise DataError(
                f"{place} must have at most {MAX_RATE:,} samples a second and {MAX_SAMPLES:,} in "
                f"all; found {own:,} a second, {frames:,} of {file.channels:,} channels. Is the "
                "file damaged?"
            )
        samples = file.read(frames, dtype="float32", always_2d=True)
    if not len(samples) or not np.isfinite(samples).all():
        raise _broken(place, "found samples that are not finite" if len(samples) else "it is empty")
    mono = samples.mean(axis=1)
    if own != rate:
        signal = need("scipy.signal", extra="app", purpose="Resampling sounds")
        common = math.gcd(own, rate)
        mono = signal.resample_poly(mono, rate // common, own // common)
    longest = max(1, round(rate * seconds))
    clipped: Any = np.clip(mono[:longest], -1.0, 1.0)
    return torch.from_numpy(np.ascontiguousarray(clipped, dtype=np.float32))


def duration(content: bytes, place: str) -> float:
    """Returns the seconds of a file of sound, by its head.

    Raises:
        DataError: it is no such file.
    """
    with _opened(content, place) as file:
        return float(file.frames / file.samplerate)


@contextmanager
def _opened(content: bytes, place: str) -> Iterator[Any]:
    """Opens a file of sound; what is wrong with it is a `DataError`."""
    soundfile = need("soundfile", extra="app", purpose="Reading sounds")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.format not in FORMATS:
                raise _broken(place, f"found {file.format}")
            if file.format == "WAV" and file.frames < _declared(content):
                raise _broken(place, f"its head says {_declared(content):,} samples, it has fewer")
            yield file
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        told = getattr(error, "error_string", error)  # without the name of the stream
        raise _broken(place, str(told).strip().rstrip(".")) from None


def _declared(content: bytes) -> int:
    """Returns the frames that the head of a WAV file declares, for which libsndfile does not look.

    0 where it is not of the plain kind, or does not know its length, as one that was piped.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            frames = file.getnframes()
            return frames if frames * file.getsampwidth() * file.getnchannels() < UNKNOWN else 0
    except (wave.Error, EOFError):
        return 0


def _broken(place: str, found: str) -> DataError:
    return DataError(
        f"{place} must be a whole sound file (WAV, FLAC, OGG, MP3 or AIFF); {found}. Is the file "
        "truncated? Copy or download it again."
    )
