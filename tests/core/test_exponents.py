"""Numbers whose squares single precision does not hold."""

import numpy as np
import torch
from torch import Tensor

from plait.core.exponents import LONG, SHORT, are_extreme, lost_products, mended, outside, weighted


def test_what_single_precision_squares_without_loss_is_inside() -> None:
    for length in (SHORT * 1.01, 1.0, LONG * 0.99):
        rows = torch.full((100,), length / 10)
        assert abs(float(rows.square().sum()) / length**2 - 1) < 1e-5
        assert not outside(np.array(length))
    assert outside(np.array([0.0, SHORT, LONG, np.inf, np.nan])).all()


def test_products_are_lost_with_either_row() -> None:
    found = lost_products(np.diag([1.0, 0.0, np.inf]))
    assert found.tolist() == [[False, True, True], [True, True, True], [True, True, True]]


def test_only_what_is_lost_is_computed_again_and_only_then() -> None:
    def again() -> Tensor:
        calls.append(1)
        return torch.tensor([5.0, 6.0])

    calls: list[int] = []
    found = np.array([1.0, np.inf])
    assert mended(found, np.array([False, False]), again) is found and not calls
    assert mended(found, np.array([False, True]), again).tolist() == [1.0, 6.0]


def test_an_extreme_weight_keeps_the_digits_of_what_it_makes_of_a_row() -> None:
    weights = torch.tensor([3e-41, 0.0], dtype=torch.float64)
    rows = torch.tensor([[7e30], [1.0]])
    assert are_extreme(weights.tolist()) and are_extreme([1e39]) and not are_extreme([0.0, -1.0])
    found = weighted(weights, rows, extreme=True)
    torch.testing.assert_close(found, torch.tensor([2.1e-10]), rtol=1e-6, atol=0)
    ordinary = torch.tensor([2.0, 3.0], dtype=torch.float64)
    assert weighted(ordinary, rows[1:].repeat(2, 1)).tolist() == [5.0]
