"""Orders of visits among the tasks that have a gradient, against slow filters and draws."""

import numpy as np
import pytest

from plait.balancing.algebra.orders import among_active, visits

ORDERS = [[3, 1, 2], [0, 2, 3], [1, 3, 0], [2, 1, 0]]


@pytest.mark.parametrize("active", [[0, 1, 2, 3], [1, 3], [0, 2, 3], [2], []])
def test_keeps_the_order_of_the_tasks_that_are_left(active: list[int]) -> None:
    expected = [[active.index(j) for j in ORDERS[i] if j in active] for i in active]
    assert among_active(ORDERS, np.array(active, dtype=int)) == expected


def test_visits_follow_the_given_orders() -> None:
    found = visits(np.random.default_rng(0), np.array([0, 2, 3]), ORDERS)
    assert found.T.tolist() == among_active(ORDERS, np.array([0, 2, 3]))


def test_orders_are_drawn_evenly_and_never_hold_the_task_itself() -> None:
    generator, seen = np.random.default_rng(0), set()
    for _ in range(200):
        order = visits(generator, np.arange(3), None).T
        assert all(sorted([i, *row]) == [0, 1, 2] for i, row in enumerate(order))
        seen.add(order.tobytes())
    assert len(seen) == 8  # two orders for each of three tasks, drawn independently


def test_a_task_alone_visits_nobody() -> None:
    assert visits(np.random.default_rng(0), np.array([4]), None).shape == (0, 1)
    assert visits(np.random.default_rng(0), np.array([1]), ORDERS).shape == (0, 1)
