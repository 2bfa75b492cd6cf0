"""Lengths, cosines, and the rounding in them."""

import numpy as np
import torch

from plait.balancing import Info
from plait.balancing.algebra.cosines import normalise, rounding


def test_lengths_and_cosines_by_hand() -> None:
    norms, cosines = normalise(np.array([[4.0, 3.0], [3.0, 9.0]]))
    assert norms.tolist() == [2.0, 3.0]
    assert cosines.tolist() == [[1.0, 0.5], [0.5, 1.0]]


def test_lengths_of_every_size_lose_nothing() -> None:
    rows = np.random.default_rng(0).standard_normal((3, 5))
    scale = np.array([2.0**-120, 1.0, 2.0**120])[:, None]
    expected = normalise(rows @ rows.T)[1]
    found = normalise((scale * rows) @ (scale * rows).T)[1]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_the_rounding_is_that_of_the_rows() -> None:
    assert rounding(Info(dtype=torch.float32), 3) == 3 * 2.0**-23
    assert rounding(Info(), 3) == 3 * 2.0**-52


def test_products_more_exact_than_the_rows_are_known_to_the_square_of_the_rows_error() -> None:
    found = rounding(Info(dtype=torch.float64, rows=torch.float32), 3)
    assert found == (3 * 2.0**-23) ** 2
    assert rounding(Info(dtype=torch.float64, rows=torch.float64), 3) == 3 * 2.0**-52
