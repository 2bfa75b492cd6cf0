"""Orders among the tasks that have a gradient, against a slow filter."""

import numpy as np
import pytest

from plait.balancing.algebra.orders import among_active

ORDERS = [[3, 1, 2], [0, 2, 3], [1, 3, 0], [2, 1, 0]]


@pytest.mark.parametrize("active", [[0, 1, 2, 3], [1, 3], [0, 2, 3], [2], []])
def test_keeps_the_order_of_the_tasks_that_are_left(active: list[int]) -> None:
    expected = [[active.index(j) for j in ORDERS[i] if j in active] for i in active]
    assert among_active(ORDERS, np.array(active, dtype=int)) == expected
