"""Inner products of the rows."""

import numpy as np
import pytest
import torch

from plait.gradients import cross_gramian, norms_and_cosines
from plait.gradients import gramian as public_gramian
from plait.gradients.gramian import gramian


def test_is_the_product_with_the_transpose() -> None:
    rows = torch.randn(4, 1000, dtype=torch.float64)
    found = public_gramian(rows)
    torch.testing.assert_close(found, rows @ rows.T)
    assert torch.equal(found, found.T)
    assert found.dtype == torch.float64


@pytest.mark.parametrize("tasks", [1, 2, 3, 7])
@pytest.mark.parametrize("width", [1, 99, 100, 300, 301, 1001])
def test_tiles_blocks_and_chunks_add_up(
    monkeypatch: pytest.MonkeyPatch, tasks: int, width: int
) -> None:
    rows, others = torch.randn(2, tasks, width, dtype=torch.float64)
    for name, size in {"TILE": 2, "BLOCK": 100, "CHUNK": 300}.items():
        monkeypatch.setitem(gramian.__globals__, name, size)
    found = gramian(rows)
    torch.testing.assert_close(found, rows @ rows.T)
    assert torch.equal(found, found.T)
    torch.testing.assert_close(cross_gramian(rows, others[:2]), rows @ others[:2].T)


def test_many_columns_of_single_precision_lose_nothing() -> None:
    """A running sum in float32 would stop at 2^24."""
    rows = torch.ones(1, 3 << 24)
    assert gramian(rows).item() == 3 << 24


def test_exact_products_are_those_of_float64() -> None:
    rows = torch.randn(3, 5000)
    wide = rows.double() @ rows.double().T
    torch.testing.assert_close(gramian(rows, torch.float64), wide, rtol=1e-14, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_neither_overflows_nor_rounds_the_sums(dtype: torch.dtype) -> None:
    rows = (100 * torch.randn(3, 1000)).to(dtype)
    exact = rows.double() @ rows.double().T
    assert exact.max() > torch.finfo(torch.float16).max
    torch.testing.assert_close(gramian(rows), exact, rtol=1e-5, atol=1)


@pytest.mark.parametrize("shape", [(2, 0), (0, 5), (0, 0)])
def test_without_rows_or_columns_nothing_is_left(shape: tuple[int, int]) -> None:
    assert torch.equal(gramian(torch.ones(shape)), torch.zeros(shape[0], shape[0]).double())


def test_norms_and_cosines_of_a_row_of_zeros_are_zero() -> None:
    norms, cosines = norms_and_cosines(np.array([[4.0, 0.0, -6.0], [0.0] * 3, [-6.0, 0.0, 9.0]]))
    assert norms.tolist() == [2.0, 0.0, 3.0]
    assert cosines.tolist() == [[1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 1.0]]


def test_a_cosine_is_never_above_one() -> None:
    _, cosines = norms_and_cosines(np.array([[1.0, 1.0 + 1e-9], [1.0 + 1e-9, 1.0]]))
    assert cosines.max() == 1.0
