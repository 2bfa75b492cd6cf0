"""The losses against their formula written out, and the front against searches on a grid."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.experiments.reproduce.two_losses import (
    LOWEST,
    STARTS,
    distance,
    front,
    two_losses,
    values_and_slopes,
)

GRID = np.stack(np.meshgrid(np.linspace(-11, 11, 441), np.linspace(-11, 11, 441)), axis=-1)
POINTS = GRID.reshape(-1, 2)


def losses_at(points: np.ndarray) -> np.ndarray:
    return two_losses(torch.from_numpy(points)).numpy()


def by_hand(a: float, b: float) -> tuple[float, float]:
    if b >= 0:
        first = abs(0.5 * (-a - 7) - math.tanh(-b))
        second = abs(0.5 * (-a + 3) + math.tanh(-b) + 2)
        share = math.tanh(0.5 * b)
        return (
            share * (math.log(max(first, 5e-6)) + 6),
            share * (math.log(max(second, 5e-6)) + 6),
        )
    share = math.tanh(-0.5 * b)
    return (
        share * (((-a + 7) ** 2 + 0.1 * (-b - 8) ** 2) / 10 - 20),
        share * (((-a - 7) ** 2 + 0.1 * (-b - 8) ** 2) / 10 - 20),
    )


@given(st.floats(-12, 12), st.floats(-12, 12))
def test_losses_are_the_formula(a: float, b: float) -> None:
    found = two_losses(torch.tensor([a, b], dtype=torch.float64)).tolist()
    assert found == pytest.approx(by_hand(a, b), abs=1e-9)


@given(st.floats(-12, 12), st.floats(-12, 12) | st.just(0.0))
def test_values_and_slopes_are_those_of_autograd(a: float, b: float) -> None:
    point = torch.tensor([a, b], dtype=torch.float64, requires_grad=True)
    losses = two_losses(point)
    rows = [torch.autograd.grad(loss, point, retain_graph=True)[0].tolist() for loss in losses]
    values, slopes = values_and_slopes(a, b)
    assert values == pytest.approx(losses.tolist(), abs=1e-9)
    assert slopes == pytest.approx(np.array(rows), rel=1e-6, abs=1e-9)


def test_no_point_of_a_grid_is_better_in_both_losses() -> None:
    everywhere = losses_at(POINTS)
    for own in losses_at(front(29)):
        better = (everywhere < own - 1e-9).all(axis=1)
        assert not better.any()


def test_points_of_the_front_do_not_dominate_each_other() -> None:
    first, second = losses_at(front(200)).T
    assert (np.diff(first) < 0).all() and (np.diff(second) > 0).all()


@pytest.mark.parametrize("w", [0.1, 0.35, 0.5, 0.9])
def test_the_least_weighted_sum_of_a_grid_is_on_the_front(w: float) -> None:
    best = POINTS[(losses_at(POINTS) @ np.array([w, 1 - w])).argmin()]
    assert distance(best[None])[0] < 0.05  # the width of a cell
    assert best[0] == pytest.approx(14 * w - 7, abs=0.05)


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_a_weighted_sum_of_the_gradients_is_zero_on_the_front(scale: float) -> None:
    points = torch.from_numpy(front(41)).requires_grad_()
    rows = []
    for place, factor in ((0, scale), (1, 1.0)):
        (gradient,) = torch.autograd.grad(factor * two_losses(points)[:, place].sum(), points)
        rows.append(gradient)
    first, second = rows
    cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    assert cross.abs().max() < 1e-12  # parallel
    assert (first * second).sum(-1).max() <= 1e-12  # and opposed


def test_the_losses_are_bounded_below() -> None:
    assert losses_at(POINTS).min() > -LOWEST
    above = POINTS[POINTS[:, 1] >= 0]
    assert losses_at(above).min() > -6.21  # log 5e-6 + 6


def test_distance_is_that_to_the_nearest_of_all_points() -> None:
    points = np.random.default_rng(0).uniform(-11, 11, (200, 2))
    curve = front(20_001)
    slow = np.linalg.norm(points[:, None] - curve[None], axis=-1).min(axis=1)
    assert distance(points) == pytest.approx(slow, abs=0.01)
    assert distance(front(30)).max() < 0.006
    assert (distance(np.array(STARTS)) > 7).all()
