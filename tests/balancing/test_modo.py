"""Projected steps on the weights, with two independent batches."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import Info, MoDo
from plait.core.errors import ConfigError
from tests.balancing.invariants import check_permutation, check_rotation, independent

NAMES = ("a", "b", "c")


def weights_of(jacobian: np.ndarray) -> np.ndarray:
    balancer = MoDo(gamma=0.05)
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    for _ in range(3):
        found: np.ndarray = balancer.weights(gramian).numpy()
    return found


def test_two_steps_by_hand() -> None:
    balancer = MoDo(gamma=0.25, rho=1.0)
    cross = torch.tensor([[1.0, -1.0], [3.0, 1.0]])  # not symmetric
    # A w = (0, 2), + rho w = (0.5, 2.5): w = (0.375, -0.125) -> (0.75, 0.25)
    assert balancer.weights(cross).tolist() == [0.75, 0.25]
    # A w = (0.5, 2.5), + rho w = (1.25, 2.75): w = (0.4375, -0.4375) -> (0.9375, 0.0625)
    assert balancer.weights(cross).tolist() == [0.9375, 0.0625]


def test_on_one_batch_it_settles_at_the_shortest_combination() -> None:
    # of the regularised Gramian diag(4 + rho, 1 + rho): weights in the inverse ratio
    balancer = MoDo(gamma=0.1, rho=0.5)
    for _ in range(200):
        weights = balancer.weights(torch.diag(torch.tensor([4.0, 1.0])))
    np.testing.assert_allclose(weights, [1.5 / 6, 4.5 / 6], rtol=1e-9)


@settings(max_examples=50)
@given(independent(), st.integers(0, 2**32 - 1))
def test_weights_are_on_the_simplex(jacobian: np.ndarray, seed: int) -> None:
    balancer, rng = MoDo(gamma=1.0), np.random.default_rng(seed)
    for _ in range(5):
        other = jacobian + rng.standard_normal(jacobian.shape)
        weights = balancer.weights(torch.from_numpy(jacobian @ other.T))
        assert weights.min() >= 0
        assert weights.sum().item() == pytest.approx(1)


@given(independent())
def test_does_not_depend_on_order_or_axes(jacobian: np.ndarray) -> None:
    check_permutation(weights_of, jacobian)
    check_rotation(weights_of, jacobian)


def test_an_absent_task_comes_back_with_its_share() -> None:
    balancer = MoDo()
    for _ in range(3):
        balancer.weights(torch.diag(torch.tensor([3.0, 2.0, 1.0])), Info(NAMES))
    share = balancer.learned.read(NAMES)[1]
    before = copy.deepcopy(balancer.state_dict())
    weights = balancer.weights(torch.diag(torch.tensor([3.0, 1.0])), Info(("a", "c")))
    assert weights.sum().item() == pytest.approx(1)
    assert torch.equal(before["learned.task:b"], balancer.state_dict()["learned.task:b"])
    assert balancer.learned.read(NAMES)[1] == pytest.approx(share)


@pytest.mark.parametrize(("batches", "applied"), [(2, (0.5, 0.5)), (3, (0.0, 0.0, 1.0))])
def test_the_direction_is_the_mean_of_the_two_batches_or_of_the_third(
    batches: int, applied: tuple[float, ...]
) -> None:
    balancer = MoDo(batches=batches)
    assert (balancer.batches, balancer.applied) == (batches, applied)


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="`gamma` must be positive; found 0"):
        MoDo(gamma=0.0)
    with pytest.raises(ConfigError, match="`rho` must not be negative; found -1"):
        MoDo(rho=-1.0)
    with pytest.raises(ConfigError, match="`batches` must be 2 or 3; found 1"):
        MoDo(batches=1)
