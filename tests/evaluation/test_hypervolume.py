"""Hypervolumes against a count of cells: with whole coordinates each cell is in or out."""

import math
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plait.core.errors import ShapeError
from plait.evaluation import hypervolume

WORST = 4


def points(most: int, objectives: int) -> st.SearchStrategy[np.ndarray]:
    shape = st.tuples(st.integers(0, most), st.integers(1, objectives))
    return arrays(float, shape, elements=st.integers(0, WORST + 1).map(float))


def cells(given_points: np.ndarray) -> int:
    """The number of unit cells below the reference that a point dominates."""
    counted = given_points[(given_points < WORST).all(axis=1)]
    return sum(
        any((point <= cell).all() for point in counted)
        for cell in product(range(WORST), repeat=given_points.shape[1])
    )


@given(points(6, 4))
@settings(max_examples=40, deadline=None)
def test_it_is_the_number_of_cells(own: np.ndarray) -> None:
    found = hypervolume(own, [WORST] * own.shape[1])
    whole = cells(own)
    assert found.volume == pytest.approx(whole, abs=1e-9)
    lost = [whole - cells(np.delete(own, place, axis=0)) for place in range(len(own))]
    assert found.exclusive == pytest.approx(lost, abs=1e-9)
    assert found.error == 0.0


@given(points(6, 3))
@settings(max_examples=30, deadline=None)
def test_directions_turn_objectives(own: np.ndarray) -> None:
    turned = own.copy()
    turned[:, 0] *= -1
    reference = np.full(own.shape[1], float(WORST))
    expected = hypervolume(own, reference)
    reference[0] *= -1
    higher = [True] + [False] * (own.shape[1] - 1)
    found = hypervolume(turned, reference, higher)
    assert found.volume == pytest.approx(expected.volume)
    assert found.exclusive == pytest.approx(expected.exclusive)


@pytest.mark.parametrize("objectives", [5, 6])
def test_a_known_volume_of_many_objectives(objectives: int) -> None:
    """Boxes that are thin in one objective each: inclusion and exclusion in closed form."""
    own = np.zeros((objectives, objectives))
    np.fill_diagonal(own, 0.5)  # box i has side 1/2 in i, and 1 in all others
    found = hypervolume(own, [1.0] * objectives)
    assert found.volume == pytest.approx(1 - 0.5**objectives)
    # without one of them: 1/2 in every other objective, and not in its own
    assert found.exclusive == pytest.approx([0.5**objectives] * objectives)


def test_of_more_objectives_it_is_an_estimate_with_its_error() -> None:
    own = np.zeros((8, 8))
    np.fill_diagonal(own, 0.8)
    found = hypervolume(own, [1.0] * 8, samples=50_000)
    assert found.volume == pytest.approx(1 - 0.8**8, abs=4 * found.error)
    assert 0 < found.error < 0.003
    one = hypervolume(own[:1], [1.0] * 8, samples=10)
    assert (one.volume, one.error) == (pytest.approx(0.2), 0.0)
    assert one.exclusive == pytest.approx([0.2])
    again = hypervolume(own, [1.0] * 8, samples=50_000)
    assert again.volume == found.volume
    assert hypervolume(own, [1.0] * 8, samples=50_000, seed=1).volume != found.volume


def test_estimates_agree_with_the_exact_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    own = np.random.default_rng(1).random((6, 3))
    exact = hypervolume(own, [0.9, 1.0, 0.8])
    monkeypatch.setattr(sys.modules[hypervolume.__module__], "EXACT", 2)
    found = hypervolume(own, [0.9, 1.0, 0.8])
    assert found.volume == pytest.approx(exact.volume, abs=4 * found.error)
    for place, error in enumerate(found.exclusive_error):
        assert found.exclusive[place] == pytest.approx(exact.exclusive[place], abs=4 * error + 1e-9)


def test_many_points_of_two_objectives() -> None:
    """A staircase, whose area is a sum."""
    steps = np.arange(1, 2001) / 2001
    own = np.stack([steps, 1 - steps], axis=1)
    found = hypervolume(own[::100], [1.0, 1.0])
    widths = np.diff(np.append(own[::100, 0], 1.0))
    assert found.volume == pytest.approx(float(widths @ own[::100, 0]))


def test_points_without_a_value_count_nothing() -> None:
    found = hypervolume([[1.0, math.nan], [1.0, 1.0]], [2.0, 2.0])
    assert (found.volume, found.exclusive.tolist()) == (1.0, [0.0, 1.0])
    assert hypervolume(np.zeros((0, 2)), [1.0, 1.0]).volume == 0.0


def test_the_reference_has_all_objectives() -> None:
    with pytest.raises(ShapeError, match=r"`reference` must be \[2\].*found \[3\]"):
        hypervolume([[1.0, 1.0]], [2.0, 2.0, 2.0])
