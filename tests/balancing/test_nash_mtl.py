"""The Nash bargaining solution."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import Info, NashMTL
from plait.core.errors import ConfigError


def rows_of(seed: int, tasks: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((tasks, tasks + 3))


def weights_of(jacobian: np.ndarray, balancer: NashMTL) -> np.ndarray:
    found: np.ndarray = balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).numpy()
    return found


many = given(st.integers(0, 2**32 - 1), st.integers(1, 8))


@many
def test_each_gain_is_the_preference_over_the_weight(seed: int, tasks: int) -> None:
    jacobian = rows_of(seed, tasks)
    preference = np.random.default_rng(seed).uniform(0.1, 10, tasks)
    weights = weights_of(jacobian, NashMTL(preference=preference.tolist()))
    assert (weights > 0).all()
    np.testing.assert_allclose(jacobian @ (weights @ jacobian), preference / weights, rtol=1e-8)


@many
def test_its_square_length_is_the_number_of_tasks(seed: int, tasks: int) -> None:
    jacobian = rows_of(seed, tasks)
    length = np.linalg.norm(weights_of(jacobian, NashMTL()) @ jacobian)
    assert length**2 == pytest.approx(tasks, rel=1e-9)
    clipped = weights_of(jacobian, NashMTL(max_norm=1.0)) @ jacobian
    assert np.linalg.norm(clipped) == pytest.approx(1, rel=1e-9)
    same = weights_of(jacobian, NashMTL(max_norm=100.0)) @ jacobian
    assert np.linalg.norm(same) == pytest.approx(length, rel=1e-12)


@many
def test_no_other_direction_of_this_length_has_a_larger_product_of_gains(
    seed: int, tasks: int
) -> None:
    jacobian = rows_of(seed, tasks)
    d = weights_of(jacobian, NashMTL()) @ jacobian
    best = np.log(jacobian @ d).sum()
    for step in np.random.default_rng(seed + 1).standard_normal((20, len(d))):
        other = d + 0.1 * step
        gains = jacobian @ (other * np.linalg.norm(d) / np.linalg.norm(other))
        assert (gains <= 0).any() or np.log(gains).sum() < best


def test_two_tasks_have_a_closed_form() -> None:
    # Symmetric after division by the lengths: (1 + cos) y^2 = 1
    jacobian = np.array([[3.0, 0.0], [2.0, 2.0 * 3**0.5]])  # lengths 3 and 4, cosine 1/2
    weights = weights_of(jacobian, NashMTL())
    np.testing.assert_allclose(weights, (2 / 3) ** 0.5 / np.array([3, 4]), rtol=1e-12)


def test_where_nothing_can_be_gained_the_weights_are_zero() -> None:
    balancer = NashMTL()
    assert balancer.weights(torch.tensor([[1.0, -2.0], [-2.0, 4.0]])).tolist() == [0.0, 0.0]
    assert balancer.flag == "Pareto-stationary"
    balancer.weights(torch.eye(2))
    assert balancer.flag is None


def test_opposite_up_to_the_rounding_of_single_precision() -> None:
    rows = torch.randn(2, 1000)
    rows[1] = -0.7 * rows[0] + 1e-7 * torch.randn(1000)
    balancer = NashMTL()
    assert balancer.weights(rows @ rows.T).tolist() == [0.0, 0.0]
    assert balancer.flag == "Pareto-stationary"


def test_the_largest_length_is_of_the_tasks_present() -> None:
    balancer = NashMTL(max_norm=1.0)
    balancer.setup(("a", "b", "c"))
    weights = balancer.weights(torch.diag(torch.tensor([1.0, 0.0])), Info(("a", "c")))
    assert weights.tolist() == [1.0, 0.0]


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="`preference` must be positive, and finite"):
        NashMTL(preference=[1.0, 0.0])
    for value in (0.0, -1.0, float("nan")):
        with pytest.raises(ConfigError, match="`max_norm` must be positive; found"):
            NashMTL(max_norm=value)
