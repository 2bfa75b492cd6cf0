"""What scenes are painted with, and where it goes."""

import numpy as np
import pytest

from plait.recipes._clutter import background, noise, paint, place, shared, stroke


def test_places_reach_every_corner() -> None:
    rng = np.random.default_rng(0)
    places = [place(rng, np.ones((6, 4), np.float32), 8) for _ in range(500)]
    corners = {(rows.start, columns.start) for rows, columns in places}
    assert corners == {(top, left) for top in range(3) for left in range(5)}


@pytest.mark.parametrize(
    ("rows", "columns", "share"),
    [
        ((0, 4), (0, 8), 1.0),
        ((2, 9), (4, 20), 0.25),
        ((4, 9), (0, 8), 0.0),
        ((1, 3), (1, 2), 1 / 16),
    ],
)
def test_shared_part_of_a_box(
    rows: tuple[int, int], columns: tuple[int, int], share: float
) -> None:
    box = (slice(0, 4), slice(0, 8))
    assert shared(box, (slice(*rows), slice(*columns))) == pytest.approx(share)


def test_paint_is_as_opaque_as_its_ink() -> None:
    canvas = np.full((1, 3), 0.2, np.float32)
    paint(canvas, np.array([[0.0, 0.5, 1.0]], np.float32), 0.8)
    np.testing.assert_allclose(canvas, [[0.2, 0.5, 0.8]], rtol=1e-6)


@pytest.mark.parametrize("size", [32, 64])
def test_what_lies_under_a_digit_is_darker_than_it(size: int) -> None:
    """A digit is painted at 0.75 or more; of strokes only the ink is drawn, in 0..1."""
    for seed in range(50):
        rng = np.random.default_rng(seed)
        surface, ink, grain = background(rng, size), stroke(rng, size), noise(rng, size)
        assert surface.shape == ink.shape == grain.shape == (size, size)
        assert -0.2 < surface.min() <= surface.max() < 0.75
        assert ink.min() >= 0
        assert ink.max() <= 1
        assert 0.01 < grain.std() < 0.09
