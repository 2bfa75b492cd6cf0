"""Maps of numbers: from arrays and PNG files, with what is missing as NaN."""

import io

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.data.readers.maps import Maps
from tests.data.readers.conftest import png


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


def test_arrays_and_grey_pictures_become_numbers(files) -> None:
    depth = np.array([[1, 2], [0, 40000]], dtype=np.uint16)
    maps = Maps(files({"a.npy": npy(depth / 2), "b.png": png(depth), "": b""}), (2, 2), missing=[0])
    np.testing.assert_array_equal(maps[0][0], [[0.5, 1], [np.nan, 20000]])
    np.testing.assert_array_equal(maps[1][0], [[1, 2], [np.nan, 40000]])
    assert maps[2].isnan().all()


def test_a_pixel_takes_the_nearest_number(files) -> None:
    values = np.arange(8.0).reshape(2, 2, 2)
    maps = Maps(files({"a.npy": npy(values)}), (4, 4), outputs=2)
    np.testing.assert_array_equal(maps[0], values.repeat(2, axis=1).repeat(2, axis=2))


TOO_LARGE = npy(np.zeros((2, 2))).replace(b"(2, 2), }            ", b"(99999999, 99999999)}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(np.zeros((2, 2, 2))), "must have 1 numbers for each pixel; found 2"),
        (npy(np.zeros(3)), r"must be a map of numbers.*found float64 \[3\]"),
        (npy(np.array([["a"]])), "must be a map of numbers"),
        (npy(np.zeros((2, 2)))[:90], r"must be a whole \.npy file"),
        (b"neither", "must be a whole JPEG or PNG image"),
        (npy(np.zeros((6, 5, 3))), r"found \[6, 5, 3\], with the numbers of a pixel last"),
        (png(np.zeros((6, 5, 3), np.uint8)), "with the numbers of a pixel last"),
        (npy(np.zeros((0, 4))), r"must be a map of numbers.*found float64 \[0, 4\]"),
        (npy(np.full((2, 2), np.inf)), r"found an infinite one.*missing: \[\.inf\]"),
        (TOO_LARGE, r"must be a whole \.npy file"),
    ],
)
def test_other_files_are_refused(files, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Maps(files({"a.npy": content}), (2, 2))[0]


def test_what_is_infinite_may_be_missing(files) -> None:
    content = npy(np.array([[1, np.inf], [-np.inf, 2]]))
    maps = Maps(files({"a.npy": content}), (2, 2), missing=[float("inf"), float("-inf")])
    np.testing.assert_array_equal(maps[0][0], [[1, np.nan], [np.nan, 2]])
