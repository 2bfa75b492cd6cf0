"""Projection of conflicting gradients."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import Info, PCGrad
from plait.core.errors import ConfigError
from tests.balancing.gramians import jacobians, scales


def weights_of(jacobian: np.ndarray, **options: object) -> np.ndarray:
    gramian = torch.from_numpy(jacobian @ jacobian.T)
    found: np.ndarray = PCGrad().weights(gramian, **options).numpy()
    return found


def project(jacobian: np.ndarray, orders: list[list[int]]) -> np.ndarray:
    """The algorithm of the paper, on the gradients themselves."""
    total = np.zeros(jacobian.shape[1])
    for i, order in enumerate(orders):
        gradient = jacobian[i].copy()
        for j in order:
            inner, square = gradient @ jacobian[j], jacobian[j] @ jacobian[j]
            if square > 0 and inner < 0:
                gradient -= inner / square * jacobian[j]
        total += gradient
    return total


def test_two_tasks_by_hand() -> None:
    # g1 = (2, 0), g2 = (-1, 1): <g1, g2> = -2, |g1|^2 = 4, |g2|^2 = 2
    # g1 + 2/2 g2 = (1, 1),  g2 + 2/4 g1 = (0, 1)
    jacobian = np.array([[2.0, 0.0], [-1.0, 1.0]])
    weights = weights_of(jacobian)
    assert weights.tolist() == [1.5, 2.0]
    assert (weights @ jacobian).tolist() == [1.0, 2.0]


@given(jacobians(min_tasks=2, max_tasks=2, spread=6), st.booleans())
def test_with_two_tasks_the_order_does_not_matter(jacobian: np.ndarray, turned: bool) -> None:
    first, second = weights_of(jacobian), weights_of(jacobian[::-1])[::-1]
    np.testing.assert_allclose(first, second, rtol=1e-12)


@given(jacobians())
def test_tasks_without_conflict_have_weight_one(jacobian: np.ndarray) -> None:
    agreeing = np.abs(jacobian)
    expected = (np.linalg.norm(agreeing, axis=1) > 0).astype(float)
    assert np.array_equal(weights_of(agreeing), expected)


@given(jacobians(), st.data())
def test_the_gramian_form_is_the_algorithm_on_the_gradients(
    jacobian: np.ndarray, data: st.DataObject
) -> None:
    tasks = len(jacobian)
    orders = [data.draw(st.permutations([j for j in range(tasks) if j != i])) for i in range(tasks)]
    norms = np.linalg.norm(jacobian, axis=1)
    # A projected gradient that is orthogonal up to rounding may be projected or not
    found = weights_of(jacobian, orders=orders) @ jacobian
    np.testing.assert_allclose(found, project(jacobian, orders), atol=1e-9 * norms.max(initial=1))


@pytest.mark.parametrize("tasks", [7, 40])
def test_a_seed_draws_the_orders_one_after_the_other(tasks: int) -> None:
    """The loop over tasks, each with a permutation of its own, at many tasks."""
    rng, balancer = np.random.default_rng(5), PCGrad(seed=5)
    for jacobian in np.random.default_rng(0).standard_normal((3, tasks, 2 * tasks)):
        others = [np.delete(np.arange(tasks), i) for i in range(tasks)]
        orders = [rng.permutation(each).tolist() for each in others]
        weights = balancer.weights(torch.from_numpy(jacobian @ jacobian.T)).numpy()
        np.testing.assert_allclose(weights @ jacobian, project(jacobian, orders), atol=1e-11)


@given(jacobians(spread=6))
def test_every_gradient_counts_at_least_once(jacobian: np.ndarray) -> None:
    active = np.linalg.norm(jacobian, axis=1) > 0
    assert (weights_of(jacobian)[active] >= 1).all()


@given(jacobians(max_tasks=2), scales())
def test_a_common_factor_changes_no_weight(jacobian: np.ndarray, scale: float) -> None:
    np.testing.assert_allclose(weights_of(scale * jacobian), weights_of(jacobian), rtol=1e-9)


def test_opposite_gradients_cancel() -> None:
    jacobian = np.array([[1.0, 2.0], [-3.0, -6.0]])
    np.testing.assert_allclose(weights_of(jacobian) @ jacobian, 0, atol=1e-12)


def test_the_mean_is_the_sum_over_t() -> None:
    gramian = torch.tensor([[4.0, -2.0, 0.0], [-2.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    mean, total = PCGrad(reduction="mean"), PCGrad()
    torch.testing.assert_close(mean.weights(gramian), total.weights(gramian) / 3)
    assert (mean.equal_weight, total.equal_weight) == ("mean", "sum")


def test_the_order_is_drawn_from_its_own_generator() -> None:
    angles = torch.arange(3) * 2.0
    rows = torch.stack([angles.cos(), angles.sin()], dim=1).double() * torch.tensor(
        [[1.0], [2], [3]]
    )
    gramian, info = rows @ rows.T, Info(("a", "b", "c"))
    state = torch.random.get_rng_state()
    drawn = {tuple(PCGrad(seed=seed).weights(gramian, info).tolist()) for seed in range(60)}
    assert torch.equal(state, torch.random.get_rng_state())

    two_orders = [[[1, 2], [2, 1]], [[0, 2], [2, 0]], [[0, 1], [1, 0]]]
    every = [PCGrad().weights(gramian, orders=list(o)) for o in itertools.product(*two_orders)]
    expected = {tuple(weights.tolist()) for weights in every}
    assert len(expected) > 1
    assert drawn == expected


def test_one_seed_gives_one_sequence() -> None:
    rows = torch.randn(5, 3)
    one, two, other = PCGrad(seed=1), PCGrad(seed=1), PCGrad(seed=2)
    draws = [[b.weights(rows @ rows.T) for _ in range(4)] for b in (one, two, other)]
    assert torch.equal(torch.stack(draws[0]), torch.stack(draws[1]))
    assert not torch.equal(torch.stack(draws[0]), torch.stack(draws[2]))


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(ConfigError, match="`reduction` must be 'sum' or 'mean'; found 'max'"):
        PCGrad(reduction="max")
