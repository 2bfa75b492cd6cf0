"""The real digits: divided by class, and scaled and turned without loss."""

import math

import numpy as np
from sklearn.datasets import load_digits

from plait.recipes._digit_images import digit_images, digit_pools, half, warp

SPLITS = ("train", "val", "test")


def test_pools_partition_the_digits_by_class() -> None:
    pools = digit_pools()
    labels = load_digits().target
    assert tuple(pools) == SPLITS
    np.testing.assert_array_equal(np.sort(np.concatenate(list(pools.values()))), np.arange(1797))
    sizes = np.bincount(labels)
    for split, share in zip(SPLITS, (0.7, 0.1, 0.2), strict=True):
        held = np.bincount(labels[pools[split]], minlength=10)
        assert np.abs(held - share * sizes).max() <= 1


def test_no_digit_image_is_in_two_pools_under_two_indices() -> None:
    images = load_digits().data
    assert len(np.unique(images, axis=0)) == len(images)


def test_warp_matches_a_slow_bilinear_sum() -> None:
    digits, _ = digit_images()
    for source, side, degrees in (
        (0, 20.0, 0.0),
        (7, 31.7, 29.0),
        (5, 10.3, -30.0),
        (9, 24.0, 161.0),
    ):
        reach, scale = 40, side / 8
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        full = np.zeros((2 * reach + 1, 2 * reach + 1))
        for y, x in np.ndindex(full.shape):
            # Turn back and shrink about the middle of the 8x8 image, which is at (3.5, 3.5).
            u = (cos * (x - reach) + sin * (y - reach)) / scale + 3.5
            v = (cos * (y - reach) - sin * (x - reach)) / scale + 3.5
            for i in range(max(0, math.floor(v)), min(7, math.floor(v) + 1) + 1):
                for j in range(max(0, math.floor(u)), min(7, math.floor(u) + 1) + 1):
                    full[y, x] += digits[source, i, j] * (1 - abs(v - i)) * (1 - abs(u - j))
        rows, columns = np.nonzero(full > 1e-9)
        expected = full[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        np.testing.assert_allclose(warp(digits[source], side, degrees), expected, atol=1e-6)


def test_fragments_hold_at_most_half_of_the_ink() -> None:
    rng = np.random.default_rng(0)
    for digit in digit_images()[0]:
        part = half(digit, rng)
        kept = part != 0
        np.testing.assert_array_equal(part[kept], digit[kept])
        assert part.sum() <= digit.sum() / 2
        lost = (digit != 0) & ~kept
        assert any(
            not lost[half].any() for half in (np.s_[:4], np.s_[4:], np.s_[:, :4], np.s_[:, 4:])
        )
