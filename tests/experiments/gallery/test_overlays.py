"""Masks over pictures: small places are seen, classes are told apart, large masks stay small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plait.data.masks import COLOURS
from plait.experiments.gallery.overlays import (
    MOST_FRAMES,
    OPACITY,
    SIDE,
    map_overlays,
    mask_overlays,
    mask_view,
)

CLASSES = arrays(
    np.int64, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(-1, 20)
)


@given(CLASSES)
def test_only_what_is_marked_is_drawn(classes: np.ndarray) -> None:
    """The slow loop: a pixel is opaque where a neighbour in the picture is of another class."""
    drawn, _ = mask_overlays(classes, classes)
    height, width = classes.shape
    for y in range(height):
        for x in range(width):
            neighbours = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = [(a, b) for a, b in neighbours if 0 <= a < height and 0 <= b < width]
            edge = any(classes[at] != classes[y, x] for at in inside)
            alpha = drawn[y, x, 3]
            if classes[y, x] < 0:
                assert alpha == 0
            else:
                assert alpha == 255 if edge else 0 < alpha <= OPACITY


def test_a_place_of_one_pixel_is_opaque() -> None:
    classes = np.full((9, 9), -1)
    classes[4, 4] = 2
    drawn, _ = mask_overlays(classes, classes)
    assert drawn[4, 4].tolist() == [*COLOURS[2], 255]
    assert (drawn[..., 3] > 0).sum() == 1


def test_the_outline_of_a_large_mask_is_thick() -> None:
    classes = np.full((600, 600), -1)
    classes[100:500, 100:500] = 0
    drawn, _ = mask_overlays(classes, classes)
    row = drawn[300, :, 3]
    assert (row[100:104] == 255).all()
    assert row[110] == OPACITY
    assert row[99] == 0


def test_classes_of_one_colour_differ_in_stripes() -> None:
    plain, striped = mask_overlays(np.full((40, 40), 1), np.full((40, 40), 8))
    assert len(np.unique(plain[..., 3])) == 1
    assert len(np.unique(striped[..., 3])) == 2
    first, second = mask_view(np.array([[1]]), np.array([[8]]), None)["classes"]
    assert (first.name, first.hatched) == ("1", False)
    assert (second.name, second.hatched) == ("8", True)
    assert first.colour == "#e69f00"


def test_the_legend_has_names_and_shares_of_what_occurs() -> None:
    true, predicted = np.array([[1, -1], [-1, -1]]), np.array([[2, 2], [-1, 1]])
    found = mask_view(true, predicted, ["none", "crack", "stain", "absent"])["classes"]
    assert [(each.name, each.true, each.predicted) for each in found] == [
        ("crack", 0.25, 0.25),
        ("stain", 0.0, 0.5),
    ]
    (alone,) = mask_view(None, np.array([[0]]), None)["classes"]
    assert (alone.true, alone.predicted) == (None, 1.0)


def test_small_places_have_a_frame_each_and_large_ones_none() -> None:
    true = np.full((100, 200), -1)
    true[:50] = 0
    true[60:63, 100:110] = 1
    true[90, 10] = 1
    found = mask_view(true, np.full_like(true, -1), None)
    assert found["small_predicted"] == []
    frames = found["small_true"]
    assert len(frames) == 2, "the largest first"
    assert frames[0] == pytest.approx((0.5 - 0.015, 0.6 - 0.015, 0.55 + 0.015, 0.63 + 0.015))
    assert frames[1] == pytest.approx((0.05 - 0.015, 0.9 - 0.015, 0.055 + 0.015, 0.91 + 0.015))


def test_a_class_in_many_places_has_few_frames() -> None:
    true = np.full((100, 100), -1)
    true[::10, ::20] = 3
    assert len(mask_view(true, true, None)["small_true"]) == MOST_FRAMES


def test_a_large_mask_is_drawn_smaller() -> None:
    for overlay in mask_overlays(*[np.zeros((3, 3 * SIDE), int)] * 2):
        assert overlay.shape == (1, SIDE, 4)
    for overlay in map_overlays(*[np.zeros((1, 3, 2 * SIDE))] * 2):
        assert overlay.shape == (2, SIDE, 4)
