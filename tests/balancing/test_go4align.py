"""Groups of tasks that share a weight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.balancing import GO4Align
from plait.balancing.solvers import kmeans_1d
from plait.core.errors import ConfigError
from tests.balancing.losses import ZERO, by_hand, loss_lists, positive, weights_of

TASKS = ("a", "b", "c")


def shares_of(balancer: GO4Align, tasks: tuple[str, ...] = TASKS) -> np.ndarray:
    found: np.ndarray = balancer.log_shares.get(tasks, ZERO).exp().numpy()
    return found


@settings(max_examples=30)
@given(
    st.lists(st.lists(positive(-1, 1), min_size=4, max_size=4), min_size=1, max_size=5),
    st.integers(1, 3),
)
def test_replays_the_recursion(steps: list[list[float]], groups: int) -> None:
    balancer, p = GO4Align(num_groups=groups, step_size=0.1), np.full(4, 1 / 4)
    for losses in steps:
        values = np.array(losses)
        p = p * np.exp(-0.1 * values)
        p /= p.sum()
        risks = p * values.sum() / values
        weights = weights_of(balancer, losses)
        np.testing.assert_allclose(weights, kmeans_1d(risks, groups), rtol=1e-9)
        assert len(set(weights)) <= groups


@given(loss_lists(2, 5))
def test_one_group_weighs_all_tasks_alike(losses: list[float]) -> None:
    assert len(set(weights_of(GO4Align(num_groups=1), losses))) == 1


def test_equal_losses_get_the_weight_one() -> None:
    assert weights_of(GO4Align(), [0.3] * 5) == pytest.approx([1.0] * 5)


def test_an_absent_task_keeps_its_share_and_the_others_share_the_rest() -> None:
    balancer = GO4Align(step_size=0.5)
    weights_of(balancer, [1.0, 2.0, 3.0], TASKS)
    before = shares_of(balancer)
    weights_of(balancer, [1.0, 5.0], ("a", "b"))
    after = shares_of(balancer)
    assert after[2] == before[2]
    assert after.sum() == pytest.approx(before.sum())
    assert after[1] / after[0] == pytest.approx(before[1] / before[0] * np.exp(-0.5 * 4.0))


def test_shares_stay_numbers_in_a_long_run() -> None:
    balancer = GO4Align(step_size=10.0)
    for _ in range(200):
        weights = weights_of(balancer, [1.0, 30.0])
    assert np.isfinite(weights).all()
    assert balancer.log_shares.get(("task 0", "task 1"), ZERO).isfinite().all()


def test_a_loss_of_zero_has_nothing_to_say() -> None:
    weights = weights_of(GO4Align(), [0.0, 1.0, 1.0])
    assert weights == pytest.approx([0.0, 2 / 3, 2 / 3], rel=1e-3)
    assert weights_of(GO4Align(), [0.0, 0.0]) == [0.0, 0.0]


def test_by_hand() -> None:
    assert by_hand(GO4Align(), [1.0, 1.0]) == pytest.approx([1.0, 1.0])


def test_options_outside_their_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="`num_groups` must be at least 1; found 0"):
        GO4Align(num_groups=0)
    with pytest.raises(ConfigError, match="`step_size` must be positive; found 0"):
        GO4Align(step_size=0)
