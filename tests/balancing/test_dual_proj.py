"""Projection of the mean gradient on the cone of directions that make no task worse."""

import numpy as np
import pytest
import torch
from hypothesis import given

from plait.balancing import DualProj, UPGrad
from tests.balancing.gramians import jacobians, scales
from tests.balancing.test_upgrad import onto_cone


def direction_of(jacobian: np.ndarray, preference: list[float] | None = None) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = DualProj(preference=preference).weights(gramian).numpy() @ jacobian
    return found


def test_two_tasks_by_hand() -> None:
    # g1 = (2, 0), g2 = (-6, 1): the mean (-2, 1/2) conflicts with g1; what is left is (0, 1/2)
    jacobian = np.array([[2.0, 0.0], [-6.0, 1.0]])
    np.testing.assert_allclose(direction_of(jacobian), [0.0, 0.5], atol=1e-15)


@given(jacobians(max_tasks=5))
def test_is_the_projection_of_the_mean(jacobian: np.ndarray) -> None:
    size = np.linalg.norm(jacobian, axis=1).max()
    expected = onto_cone(jacobian, jacobian.mean(axis=0))
    np.testing.assert_allclose(direction_of(jacobian), expected, atol=1e-7 * size)


@given(jacobians(max_tasks=5))
def test_a_preference_says_what_is_projected(jacobian: np.ndarray) -> None:
    size = np.linalg.norm(jacobian, axis=1).max()
    preference = np.random.default_rng(0).uniform(0, 1, len(jacobian))
    found = direction_of(jacobian, preference.tolist())
    np.testing.assert_allclose(found, onto_cone(jacobian, preference @ jacobian), atol=1e-7 * size)


@given(jacobians(max_tasks=8, spread=6), scales())
def test_makes_no_task_worse_and_is_no_longer_than_the_mean(
    jacobian: np.ndarray, scale: float
) -> None:
    rows = scale * jacobian
    norms, found = np.linalg.norm(rows, axis=1), direction_of(rows)
    assert (rows @ found >= -1e-7 * norms * norms.max()).all()
    assert np.linalg.norm(found) <= np.linalg.norm(rows.mean(axis=0)) + 1e-7 * norms.max()


def test_two_conflicting_tasks_of_one_length_are_averaged_where_upgrad_projects() -> None:
    gramian = torch.tensor([[1.0, -0.5], [-0.5, 1.0]])
    assert DualProj().weights(gramian).tolist() == [0.5, 0.5]
    assert UPGrad().weights(gramian).tolist() == pytest.approx([0.75, 0.75])
