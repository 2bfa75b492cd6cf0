"""Complex numbers as two real ones."""

import pytest
import torch

from plait.core.real import as_like, as_real, real_count, real_dtype

NUMBERS = torch.randn(3, 2, dtype=torch.complex64)


def test_real_tensors_stay_as_they_are() -> None:
    real = torch.ones(2, 3)
    assert as_real(real) is real and real_count(real) == 6
    assert torch.equal(as_like(real.flatten(), real), real)


@pytest.mark.parametrize("start", [0, 1])  # of the numbers in a longer row
def test_complex_ones_go_there_and_back(start: int) -> None:
    row = torch.zeros(20)
    row[start : start + 12] = as_real(NUMBERS).flatten()
    assert real_count(NUMBERS) == 12
    assert torch.equal(as_like(row[start : start + 12], NUMBERS), NUMBERS)


def test_the_inner_product_is_the_real_one() -> None:
    other = torch.randn_like(NUMBERS)
    found = (as_real(NUMBERS.conj()).flatten() @ as_real(other.conj()).flatten()).item()
    expected = torch.vdot(NUMBERS.flatten(), other.flatten()).real.item()
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_precision_is_that_of_the_parts() -> None:
    assert real_dtype([NUMBERS, torch.zeros(1).half()], torch.float16) == torch.float32
    assert real_dtype([NUMBERS.to(torch.complex128)], torch.float32) == torch.float64
