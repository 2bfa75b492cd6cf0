"""Numbers at a common scale."""

import math

import pytest
import torch

from plait.encoders.table import Row, Standardise
from plait.encoders.table.numbers import held_back
from tests.encoders.tables import category, number


def standardise(*columns: object) -> Standardise:
    return Standardise(Row.of(columns).numbers)  # type: ignore[arg-type]


def test_within_four_scales_it_is_only_shifted_and_scaled() -> None:
    module = standardise(number("a", center=3.0, scale=0.5), category("k", 2), number("b"))
    rows = torch.tensor([[3.0, 2, 0], [5.0, 3, -4], [1.5, 2, 1]])
    expected = torch.tensor([[0.0, 0], [4, -4], [-3, 1]])
    torch.testing.assert_close(module(rows), expected)


def test_beyond_it_grows_like_a_logarithm() -> None:
    u = torch.tensor([-1e6, -1e3, -5, 4.5, 1e3, 1e30], dtype=torch.float64)
    expected = u.sign() * (4 + torch.log(u.abs() - 3))
    torch.testing.assert_close(held_back(u), expected)
    fine = torch.linspace(-50, 50, 2001, dtype=torch.float64)
    slope = held_back(fine).diff() / fine.diff()
    assert bool(((slope > 0) & (slope <= 1 + 1e-9)).all())
    assert float(slope.diff().abs().max()) < 0.06  # without a kink


def test_missing_is_the_center_and_infinity_stays() -> None:
    module = standardise(number("a", center=5.0))
    z = module(torch.tensor([[math.nan], [math.inf], [-math.inf]]))
    assert z.flatten().tolist() == [0.0, math.inf, -math.inf]


def test_a_number_that_never_varied_is_not_read() -> None:
    module = standardise(number("a", (7,), center=7.0), number("b", ()))
    assert not bool(module(torch.tensor([[7.0, 1], [8e9, math.nan], [math.nan, -3]])).any())


@pytest.mark.parametrize("offset", [1.7e9, 1e12, -3.3e15])
def test_large_offsets_lose_nothing_in_float64(offset: float) -> None:
    differences = torch.linspace(-3, 3, 13, dtype=torch.float64)
    center = offset + 0.25
    module = standardise(number("a", center=center, scale=2.0))
    rows = (center + differences).unsqueeze(1)
    expected = (rows - center) / 2  # as exact as the inputs
    z = module(rows)
    assert z.dtype == torch.float32
    torch.testing.assert_close(z.double(), expected, rtol=1e-5, atol=1e-6)


def test_float32_inputs_lose_nothing_either() -> None:
    center = 16_777_216 / 3  # no float32
    module = standardise(number("a", center=center, scale=10.0))
    rows = torch.arange(5_592_400, 5_592_410, dtype=torch.float32).unsqueeze(1)
    expected = (rows.double() - center) / 10
    torch.testing.assert_close(module(rows).double(), expected, rtol=1e-5, atol=1e-6)


def test_it_gives_the_dtype_of_the_module() -> None:
    module = standardise(number("a")).double()
    assert module(torch.zeros(2, 1)).dtype == torch.float64
