"""Inputs that no balancer can work on are refused by name."""

import numpy as np
import pytest
import torch

from plait.balancing.contract.checks import check_finite, check_lookahead, check_square
from plait.core.errors import NonFiniteError, ShapeError


@pytest.mark.parametrize("shape", [(3, 4), (3,), (), (2, 3, 2)])
def test_a_gramian_is_square(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"square \[\.\.\., T, T\]; found .* pass the Jacobian"):
        check_square(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 3), (0, 0), (2, 4, 3, 3)])
def test_groups_of_square_gramians_pass(shape: tuple[int, ...]) -> None:
    check_square(torch.zeros(shape))


def test_a_gramian_that_is_not_finite_names_the_tasks() -> None:
    gramian = np.stack([np.eye(3), np.diag([1.0, np.nan, 1.0]), np.diag([1.0, 1.0, np.inf])])
    with pytest.raises(NonFiniteError, match="task 'b', 'c' is not finite"):
        check_finite(gramian, ["a", "b", "c"])
    check_finite(gramian[0], ["a", "b", "c"])


def test_an_inner_product_alone_that_overflows_blames_nobody() -> None:
    gramian = np.array([[1.0, np.inf], [np.inf, 1.0]])
    with pytest.raises(NonFiniteError, match=r"task \(unknown\) is not finite"):
        check_finite(gramian, ["a", "b"])


def test_a_look_ahead_that_is_not_finite_names_the_tasks() -> None:
    values = np.array([[1.0, 2.0], [np.nan, 1.0], [0.0, np.inf]])
    with pytest.raises(NonFiniteError, match=r"task 'b', 'c' are not finite"):
        check_lookahead(values, ["a", "b", "c"])
    check_lookahead(values[:1], ["a"])
