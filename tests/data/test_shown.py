"""What cannot be shown is refused where it is made."""

import numpy as np
import pytest

from plait.core.errors import ConfigError
from plait.data import Picture, Row, Sentence, Sound


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 3)),
        np.zeros((4, 4), np.uint8),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_a_picture_is_bytes_in_three_channels(pixels: np.ndarray) -> None:
    with pytest.raises(ConfigError, match=r"must be uint8 \[H, W, 3\]; found"):
        Picture(pixels)


@pytest.mark.parametrize("samples", [np.zeros((2, 8)), np.zeros(8, np.int16)])
def test_a_sound_is_one_channel_of_numbers(samples: np.ndarray) -> None:
    with pytest.raises(ConfigError, match=r"float \[N\]; found"):
        Sound(samples, 8000)


def test_a_sound_has_a_rate() -> None:
    with pytest.raises(ConfigError, match="at least 1 Hz; found 0"):
        Sound(np.zeros(8), 0)


def test_names_are_optional() -> None:
    assert Picture(np.zeros((1, 1, 3), np.uint8)).name == ""
    assert Sentence(["a"]).text == ""
    assert Row({"age": "3"}).values == {"age": "3"}
