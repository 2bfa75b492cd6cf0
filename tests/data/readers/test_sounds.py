"""Sounds of rows, with a mask over all their samples."""

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.data.readers.sounds import Sounds
from tests.data.test_sounds import encoded, tone


def test_a_sound_is_that_of_its_file(files) -> None:
    sounds = Sounds(files({"a.wav": encoded(tone(8000, 0.1)), "": b""}), rate=8000, seconds=0.05)
    np.testing.assert_allclose(sounds[0].values, tone(8000, 0.05), atol=1e-4)
    assert sounds[0].mask.shape == (400,) and sounds[0].mask.all()
    assert sounds[1].values.tolist() == [0.0]


def test_a_broken_file_is_named_with_row_and_column(files) -> None:
    with pytest.raises(DataError, match=r"a\.wav \(row 1 of table\.csv, column 'path'\) must be a"):
        Sounds(files({"a.wav": b"no"}), rate=8000, seconds=1.0)[0]
