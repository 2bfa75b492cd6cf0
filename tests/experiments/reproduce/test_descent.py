"""Descents against a plain loop with torch, and their end."""

import numpy as np
import pytest
import torch

from plait.balancing import FAMO, IMTLL, MGDA, Equal, UncertaintyWeights
from plait.experiments.reproduce import balancing_methods, descend, descent
from plait.experiments.reproduce.descent import LR, is_raised
from plait.experiments.reproduce.two_losses import front, two_losses


def plain(start: tuple[float, float], scale: float, steps: int) -> list[float]:
    """The sum of the losses, minimised without plait."""
    point = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.Adam([point], lr=LR)
    for _ in range(steps):
        optimizer.zero_grad()
        first, second = two_losses(point)
        (scale * first + second).backward()
        optimizer.step()
    return point.tolist()


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_equal_weights_are_plain_descent(scale: float) -> None:
    found = descend(Equal(), (-8.5, 7.5), scale=scale, steps=40)
    assert found.points[0] == [-8.5, 7.5]
    assert found.points[-1] == pytest.approx(plain((-8.5, 7.5), scale, 40), rel=1e-3)
    assert found.steps == 40
    assert len(found.points) == 41


def test_a_descent_that_begins_on_the_front_is_there_and_ends_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(descent, "STILL", 100)
    at = front(5)[2]  # in the middle, where the sum of the losses is least
    found = descend(Equal(), at.tolist(), scale=1.0, steps=1000)
    assert found.reached == 0
    assert found.distance < 0.05
    assert found.steps < 200
    assert found.losses == pytest.approx([-15.1, -15.1], abs=0.01)


def test_the_balancer_is_left_as_it_was() -> None:
    balancer = MGDA()
    descend(balancer, (0.0, 0.0), steps=3)
    assert balancer.tasks == ()
    again = [descend(balancer, (9.0, -1.0), steps=40).points[-1] for _ in range(2)]
    assert again[0] == again[1]


def test_methods_on_logarithms_get_raised_losses() -> None:
    assert is_raised(FAMO()) and is_raised(UncertaintyWeights()) and is_raised(IMTLL())
    assert not is_raised(MGDA())
    found = descend(FAMO(), (9.0, -1.0), steps=30)
    assert found.losses[1] < 10  # not those that were raised


def test_a_method_that_learns_is_trained() -> None:
    own = descend(UncertaintyWeights(), (9.0, 9.0), steps=100).points[-1]
    plain = descend(Equal(), (9.0, 9.0), steps=100).points[-1]
    assert np.abs(np.subtract(own, plain)).max() > 1e-3


@pytest.mark.parametrize("name", list(balancing_methods()))
def test_every_method_takes_a_step(name: str) -> None:
    method = balancing_methods()[name]
    if isinstance(method, str):
        pytest.skip(method)
    found = descend(method, (-7.5, -0.5), steps=3)
    assert np.isfinite(found.points).all()
    assert found.points[-1] != found.points[0]
