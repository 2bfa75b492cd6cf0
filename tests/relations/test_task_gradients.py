"""Losses, slopes and curvatures of scores against automatic differentiation."""

import numpy as np
import pytest
import torch

from plait.relations import TaskGradients


@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_slope_and_curvature_are_those_of_the_mean_loss(kind: str) -> None:
    random = np.random.default_rng(0)
    scores, features = random.normal(size=9), random.normal(size=(9, 4))
    masses = random.uniform(1, 3, size=9)
    task = TaskGradients(kind, scores, features, masses, np.arange(9))

    def loss(change: torch.Tensor) -> torch.Tensor:
        moved = torch.tensor(scores) + torch.tensor(features) @ change
        each = moved.square() if kind == "squared" else torch.nn.functional.softplus(-moved)
        return (each * torch.tensor(masses)).sum() / masses.sum()

    at = torch.tensor(random.normal(size=4), requires_grad=True)
    change = at.detach().numpy()
    assert task.mean_loss(change) == pytest.approx(loss(at).item())
    slope = torch.autograd.grad(loss(at), at)[0].numpy()
    np.testing.assert_allclose(task.slope(change), slope, rtol=1e-9)
    curvature = torch.autograd.functional.hessian(loss, at.detach()).numpy()
    np.testing.assert_allclose(task.curvature(change), curvature, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(task.at_rest, task.curvature(np.zeros(4)))


def test_a_selection_keeps_what_belongs_together() -> None:
    task = TaskGradients(
        "squared", np.arange(3.0), np.eye(3), np.array([1.0, 2.0, 3.0]), np.arange(3)
    )
    kept = task.only(np.array([True, False, True]))
    assert kept.scores.tolist() == [0.0, 2.0] and kept.shares.tolist() == [0.25, 0.75]


def test_large_scores_do_not_overflow() -> None:
    task = TaskGradients(
        "logistic", np.array([-1e4, 1e4]), np.ones((2, 1)), np.ones(2), np.arange(2)
    )
    assert task.mean_loss(np.zeros(1)) == pytest.approx(5e3)
    assert np.isfinite(task.slope(np.zeros(1))).all() and np.isfinite(task.at_rest).all()
