"""Gradients bent towards running targets of their cosines."""

import copy
import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import GradVac, Info, PCGrad
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians, scales
from tests.balancing.invariants import independent

Orders = list[list[int]]


def gramian_of(jacobian: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(jacobian @ jacobian.T)


def in_turn(tasks: int) -> Orders:
    return [[j for j in range(tasks) if j != i] for i in range(tasks)]


def bend(
    jacobian: np.ndarray, orders: Orders, targets: np.ndarray, beta: float
) -> tuple[np.ndarray, np.ndarray]:
    """One step of the paper's algorithm on the gradients themselves: (direction, new targets)."""
    targets, total = targets.copy(), np.zeros(jacobian.shape[1])
    for i, order in enumerate(orders):
        g = jacobian[i].copy()
        for j in order:
            other, t = jacobian[j], targets[i, j]
            length, other_length = np.linalg.norm(g), np.linalg.norm(other)
            phi = g @ other / length / other_length
            if phi < t:
                sine = np.sqrt(1 - t**2)
                up = length * (t * np.sqrt(1 - phi**2) - phi * sine)
                g = g + up / (other_length * sine) * other
                assert g @ other / np.linalg.norm(g) / other_length == pytest.approx(t, abs=1e-6)
            targets[i, j] = (1 - beta) * t + beta * phi
        total += g
    return total, targets


@given(independent(min_tasks=2, max_tasks=5), st.floats(0.01, 0.9), st.data())
def test_the_gramian_form_is_the_algorithm_on_the_gradients(
    jacobian: np.ndarray, beta: float, data: st.DataObject
) -> None:
    tasks = len(jacobian)
    balancer, targets = GradVac(beta=beta), np.zeros((tasks, tasks))
    names = tuple("abcde"[:tasks])
    rng = np.random.default_rng(0)
    for _ in range(3):
        orders = [list(data.draw(st.permutations(order))) for order in in_turn(tasks)]
        expected, targets = bend(jacobian, orders, targets, beta)
        weights = balancer.weights(gramian_of(jacobian), Info(names), orders=orders).numpy()
        size = np.abs(weights[:, None] * jacobian).max()
        np.testing.assert_allclose(weights @ jacobian, expected, atol=1e-7 * size)
        np.testing.assert_allclose(balancer.targets.get(names), targets, atol=1e-9)
        jacobian = jacobian + rng.standard_normal(jacobian.shape)


@pytest.mark.parametrize("tasks", [7, 40])
def test_a_seed_draws_the_orders_one_after_the_other(tasks: int) -> None:
    """The loop over tasks, each with a permutation of its own, at many tasks."""
    rng, draws = np.random.default_rng(5), np.random.default_rng(0)
    balancer, targets = GradVac(beta=0.2, seed=5), np.zeros((tasks, tasks))
    common = draws.standard_normal(2 * tasks)
    for _ in range(3):
        jacobian = common + draws.standard_normal((tasks, 2 * tasks))
        orders = [rng.permutation(order).tolist() for order in in_turn(tasks)]
        expected, targets = bend(jacobian, orders, targets, 0.2)
        weights = balancer.weights(gramian_of(jacobian)).numpy()
        np.testing.assert_allclose(weights @ jacobian, expected, rtol=1e-9)
        names = [str(i) for i in range(tasks)]
        np.testing.assert_allclose(balancer.targets.get(names), targets, atol=1e-12)


@given(jacobians(), scales())
def test_without_learning_it_is_pcgrad(jacobian: np.ndarray, scale: float) -> None:
    rows, orders = scale * jacobian, in_turn(len(jacobian))
    ours, theirs = GradVac(beta=0.0), PCGrad()
    for _ in range(2):
        one = ours.weights(gramian_of(rows), orders=orders).numpy() @ jacobian
        two = theirs.weights(gramian_of(rows), orders=orders).numpy() @ jacobian
        size = np.linalg.norm(jacobian, axis=1).max()
        np.testing.assert_allclose(one, two, atol=1e-7 * size)


@given(jacobians(spread=6), scales())
def test_awkward_gradients_give_finite_weights_of_at_least_one(
    jacobian: np.ndarray, scale: float
) -> None:
    balancer, active = GradVac(beta=0.5), np.linalg.norm(jacobian, axis=1) > 0
    for _ in range(4):
        weights = balancer.weights(gramian_of(scale * jacobian)).numpy()
        assert np.isfinite(weights).all()
        # The cosine falls short of a target of at most 1 only: what is added is never negative
        assert (weights[active] >= 1 - 1e-7).all()
    targets = balancer.targets.get([str(i) for i in range(len(jacobian))])
    assert (np.abs(targets) <= 1).all()


def test_equal_gradients_are_left_alone_for_ever() -> None:
    """Their targets reach 1, where the formula divides by 0 and rounding would be amplified."""
    rows = torch.randn(1, 1000).repeat(3, 1) * torch.tensor([[1.0], [0.3], [7.0]])
    balancer = GradVac(beta=0.5)
    for _ in range(60):
        weights = balancer.weights(rows @ rows.T)
        torch.testing.assert_close(weights, torch.ones(3, dtype=torch.float64))


def test_the_targets_of_a_task_that_is_absent_or_zero_are_kept() -> None:
    rows = torch.randn(3, 5, dtype=torch.float64)
    balancer = GradVac(beta=0.5)
    names = ("a", "b.c", "d")
    balancer.weights(rows @ rows.T, Info(names))
    before = balancer.targets.get(names)
    assert before.any()

    balancer.weights(rows[[2, 0]] @ rows[[2, 0]].T * 2, Info(("d", "a")))
    absent = balancer.targets.get(names)
    assert np.array_equal(absent[1], before[1]) and np.array_equal(absent[:, 1], before[:, 1])
    assert absent[0, 2] != before[0, 2] and absent[2, 0] != before[2, 0]

    rows[1] = 0
    balancer.weights(rows @ rows.T, Info(names))
    zero = balancer.targets.get(names)
    assert np.array_equal(zero[1], before[1]) and np.array_equal(zero[:, 1], before[:, 1])
    assert zero[0, 2] != absent[0, 2]


def test_each_parameter_group_has_its_own_targets() -> None:
    rows = torch.randn(2, 3, 4, dtype=torch.float64)
    gramians = rows @ rows.mT
    both, one, two = (GradVac(beta=0.5, groups="layer") for _ in range(3))
    orders = in_turn(3)
    for _ in range(3):
        found = both.weights(gramians, orders=orders)
        separate = [
            balancer.weights(gramian, orders=orders)
            for balancer, gramian in zip((one, two), gramians, strict=True)
        ]
        assert torch.equal(found, torch.stack(separate))
    names = ["0", "1", "2"]
    assert np.array_equal(both.targets.get(names, 1), two.targets.get(names))
    assert not np.array_equal(both.targets.get(names, 0), both.targets.get(names, 1))


def test_a_resumed_run_bends_and_draws_as_it_would_have() -> None:
    rows = torch.randn(6, 4, 5)
    whole = GradVac(beta=0.3)
    for step in rows[:3]:
        whole.weights(step @ step.T)
    file = io.BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    resumed = GradVac(beta=0.3, seed=5)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    twin = copy.deepcopy(whole)
    for step in rows[3:]:
        expected = whole.weights(step @ step.T)
        assert torch.equal(expected, resumed.weights(step @ step.T))
        assert torch.equal(expected, twin.weights(step @ step.T))


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`beta` must be in \[0, 1\]; found 1.5"):
        GradVac(beta=1.5)
    with pytest.raises(ConfigError, match="`groups` must be 'whole', 'layer' or 'matrix'; found"):
        GradVac(groups="row")
