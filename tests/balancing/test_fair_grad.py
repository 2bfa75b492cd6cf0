"""Alpha-fair directions."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import MGDA, DualProj, FairGrad, NashMTL
from plait.balancing.solvers import newton
from plait.core.errors import ConfigError

alphas = st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0, 7.0])


def rows_of(seed: int, tasks: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((tasks, tasks + 3)) * 10 ** rng.uniform(-1.5, 1.5, (tasks, 1))


def weights_of(
    jacobian: np.ndarray, alpha: float, preference: list[float] | None = None
) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = FairGrad(alpha=alpha, preference=preference).weights(gramian).numpy()
    return found


def unit(vector: np.ndarray) -> np.ndarray:
    found: np.ndarray = vector / np.linalg.norm(vector)
    return found


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), alphas)
def test_each_gain_is_a_power_of_the_weight(seed: int, tasks: int, alpha: float) -> None:
    jacobian = rows_of(seed, tasks)
    weights = weights_of(jacobian, alpha)
    gains = jacobian @ (weights @ jacobian)
    assert (weights > 0).all()
    size = np.linalg.norm(jacobian, axis=1) * np.linalg.norm(weights @ jacobian)
    np.testing.assert_allclose(gains / size, weights ** (-1 / alpha) / size, rtol=0, atol=1e-12)


def test_one_task_by_hand() -> None:
    # w G = w^(-1/2) with G = 8: w = 8^(-2/3)
    assert weights_of(np.array([[8.0**0.5]]), 2.0).tolist() == pytest.approx([0.25])


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), alphas)
def test_a_preferred_task_gains_more_at_the_same_weight(
    seed: int, tasks: int, alpha: float
) -> None:
    jacobian = rows_of(seed, tasks)
    preference = 2 ** np.random.default_rng(seed).uniform(-3, 3, tasks)
    weights = weights_of(jacobian, alpha, preference.tolist())
    size = np.linalg.norm(jacobian, axis=1) * np.linalg.norm(weights @ jacobian)
    found, expected = jacobian @ (weights @ jacobian), (preference / weights) ** (1 / alpha)
    np.testing.assert_allclose(found / size, expected / size, rtol=0, atol=1e-12)


def test_a_preference_by_hand() -> None:
    # w G = (p / w)^(1/2): w^3 = p / G^2, so that 8 times the preference is twice the weight
    found = weights_of(np.diag([1.0, 8.0**0.5]), 2.0, [8.0, 1.0])
    assert found.tolist() == pytest.approx([2.0, 0.25])


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_with_alpha_one_a_preference_is_that_of_nash(seed: int, tasks: int) -> None:
    jacobian = rows_of(seed, tasks)
    preference = np.random.default_rng(seed).uniform(0.2, 5, tasks).tolist()
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    nash = NashMTL(preference=preference).weights(gramian).numpy()
    np.testing.assert_allclose(weights_of(jacobian, 1.0, preference), nash, rtol=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_with_alpha_one_it_is_nash(seed: int, tasks: int) -> None:
    jacobian = rows_of(seed, tasks)
    nash = NashMTL().weights(torch.from_numpy(jacobian @ jacobian.T)).numpy()
    np.testing.assert_allclose(weights_of(jacobian, 1.0), nash, rtol=1e-9)


def test_its_limits_are_the_largest_least_gain_and_the_largest_sum() -> None:
    jacobian = np.random.default_rng(3).standard_normal((4, 6))
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    mgda = unit(MGDA().weights(gramian).numpy() @ jacobian)
    dual = unit(DualProj().weights(gramian).numpy() @ jacobian)
    assert unit(weights_of(jacobian, 50.0) @ jacobian) @ mgda > 1 - 1e-3
    assert unit(weights_of(jacobian, 0.01) @ jacobian) @ dual > 1 - 1e-3
    assert mgda @ dual < 0.99


def test_where_nothing_can_be_gained_the_weights_are_zero() -> None:
    balancer = FairGrad(alpha=2.0)
    assert balancer.weights(torch.tensor([[1.0, -2.0], [-2.0, 4.0]])).tolist() == [0.0, 0.0]
    assert balancer.flag == "Pareto-stationary"


def test_a_search_that_does_not_end_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[newton.__module__], "STEPS", 2)
    balancer = FairGrad(alpha=2.0)
    balancer.weights(torch.tensor([[1.0, -0.5], [-0.5, 3.0]]))
    assert balancer.flag == "not solved exactly"


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan"), float("inf")])
def test_alpha_must_be_positive(alpha: float) -> None:
    with pytest.raises(ConfigError, match="`alpha` must be positive and finite; found"):
        FairGrad(alpha=alpha)
