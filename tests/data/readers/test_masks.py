"""Masks of rows: the values of files become class numbers, of the picture's size."""

import numpy as np
import pytest

from plait.core.errors import DataError
from plait.data.readers.images import Images
from plait.data.readers.masks import Masks, values_in
from tests.data.readers.conftest import png

VALUES = np.array([[0, 0, 255], [9, 0, 255]], dtype=np.uint8)


@pytest.mark.parametrize("keep", [[], [0]])
def test_values_become_class_numbers(files, keep: list[int]) -> None:
    masks = Masks(files({"a.png": png(VALUES), "": b""}), (2, 3), [255, 0], ignore=[9], keep=keep)
    for _ in range(2):
        assert masks[0].tolist() == [[1, 1, 0], [-100, 1, 0]]
    assert (masks[1] == -100).all()


def test_a_value_that_is_no_class_is_named(files) -> None:
    masks = Masks(files({"a.png": png(VALUES)}), (2, 3), [0, 255])
    with pytest.raises(DataError, match=r"a\.png \(row 1.* has the value 9, .* known: 0, 255"):
        masks[0]


def test_a_mask_has_the_size_of_its_picture(files) -> None:
    pictures = Images(files({"p.png": png(np.zeros((3, 3), np.uint8))}), (2, 3))
    masks = Masks(files({"a.png": png(VALUES)}), (2, 3), [0, 9, 255], pictures=pictures)
    with pytest.raises(DataError, match=r"found 3 x 2, the picture has 3 x 3"):
        masks[0]


def test_a_picture_of_a_mask_in_colours_is_refused(files) -> None:
    masks = Masks(files({"a.png": png(np.zeros((2, 2, 3), np.uint8))}), (2, 2), [0])
    with pytest.raises(DataError, match="one channel, grey or with a palette"):
        masks[0]


def test_pixels_are_counted_by_value(files) -> None:
    named = files({"a.png": png(VALUES), "": b"", "b.png": png(VALUES)})
    assert values_in(named, [0, 1]) == {0: 3, 9: 1, 255: 2}
    assert values_in(named, [0, 1, 2]) == {0: 6, 9: 2, 255: 4}


def test_at_most_two_hundred_masks_are_looked_at(files) -> None:
    many = files({f"{number}.png": png(np.zeros((1, 1), np.uint8)) for number in range(399)})
    assert values_in(many, range(399)) == {0: 200}


def test_as_many_classes_as_a_byte_tells_apart(files) -> None:
    values = np.arange(300, dtype=np.uint16).reshape(15, 20)
    content = files({"a.png": png(values)})
    known = list(range(254))
    found = Masks(content, (15, 20), known, ignore=range(254, 300))[0].flatten()
    assert found.tolist() == known + [-100] * 46
    with pytest.raises(DataError, match=r"at most 254 classes; found 255.* the target is a `map`"):
        Masks(content, (15, 20), range(255))
