"""Images over each other: against Pillow and a slow loop, and no image in two splits."""

import numpy as np
import pytest
from PIL import Image

from plait.recipes._image_arrays import Labelled
from plait.recipes._overlaid import overlaid, overlay


def numbered(count: int, start: int = 0) -> Labelled:
    """Images that can be told apart after they were laid over each other.

    Of image number n, n is written in the corner pixel that the other image never covers: at the
    top left, and at the bottom right.
    """
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, :2, :2] = np.arange(start + 1, start + count + 1)[:, None, None]
    images[:, -2:, -2:] = images[:, :2, :2]
    return Labelled(images, (np.arange(count) + start) % 10)


def test_a_pair_is_that_of_a_slow_loop_and_of_pillow() -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 256, (2, 3, 28, 28)).astype(np.uint8)
    found = overlay(first, second)
    for index in range(3):
        canvas = np.zeros((36, 36), np.uint8)
        for row in range(28):
            for column in range(28):
                canvas[row, column] = max(canvas[row, column], first[index, row, column])
                at = row + 6, column + 6
                canvas[at] = max(canvas[at], second[index, row, column])
        resized = Image.fromarray(canvas).resize((28, 28), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(found[index], np.asarray(resized))


@pytest.mark.parametrize("most", [None, 7])
def test_no_image_is_in_two_splits_and_none_is_its_own_partner(most: int | None) -> None:
    splits = overlaid({"train": numbered(60), "test": numbered(20, 100)}, most=most, seed=0)
    assert [len(part.first) for part in splits.values()] == [most or 50, 10, 20]
    sources = {"train": set(range(most or 50)), "val": set(range(50, 60))}
    sources["test"] = set(range(100, 120))
    for split, part in splits.items():
        first = part.images[:, 0, 0].astype(int) - 1
        # Rows 32 and 33 of the canvas become row 25, so the last pixels of the second are there
        second = part.images[:, 25, 25].astype(int) - 1
        assert sorted(first) == sorted(second) == sorted(sources[split])
        assert (first != second).all()
        np.testing.assert_array_equal(part.first, first % 10)
        np.testing.assert_array_equal(part.second, second % 10)


def test_pairs_are_a_function_of_the_seed() -> None:
    images = {"train": numbered(60), "test": numbered(20, 100)}
    one, again, other = (overlaid(images, most=None, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one["train"].images, again["train"].images)
    assert (one["train"].second != other["train"].second).any()
    np.testing.assert_array_equal(one["train"].first, other["train"].first)
