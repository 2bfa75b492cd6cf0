"""Masks come back from their files as they were, and look right in a viewer."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from plait.core.errors import DataError
from plait.data.masks import COLOURS, colour, mask_png, palette

DTYPES = st.sampled_from([np.uint8, np.int16, np.int64, np.uint16])
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@given(DTYPES, SHAPES, st.data())
def test_class_numbers_read_back_exactly(dtype: type, shape: tuple[int, int], data: object) -> None:
    mask = data.draw(arrays(dtype, shape, elements=st.integers(0, 255)))  # type: ignore[attr-defined]
    content = mask_png(mask)
    image = Image.open(io.BytesIO(content))
    assert image.mode == "P"
    assert content[24] == 8, "bits a pixel, in the header"
    assert np.array_equal(np.asarray(image), mask)
    assert np.array_equal(np.asarray(image.convert("RGB")), palette()[mask.astype(int)])


def test_the_background_is_black_and_the_first_colours_are_told_apart() -> None:
    assert palette()[0].tolist() == [0, 0, 0]
    assert np.array_equal(palette()[1:7], COLOURS[1:])
    assert len(np.unique(palette()[:43], axis=0)) == 43
    assert np.array_equal(colour(0), COLOURS[0])


def test_two_colours_of_one_hue_differ_in_brightness() -> None:
    assert colour(1).sum() > 1.5 * colour(8).sum()


@pytest.mark.parametrize(
    ("mask", "finding"),
    [
        (np.full((2, 2), -1), "-1..-1"),
        (np.full((2, 2), 256), "256..256"),
        (np.zeros((2, 2, 2), int), r"int64 \[2, 2, 2\]"),
        (np.zeros((2, 2)), "float64"),
        (np.zeros((0, 2), int), r"\[0, 2\]"),
    ],
)
def test_what_is_no_mask_is_refused(mask: np.ndarray, finding: str) -> None:
    with pytest.raises(DataError, match=finding):
        mask_png(mask)
