"""Weighted sums of rows, against a product of matrices."""

import numpy as np
import pytest
import torch

from plait.balancing.algebra.rows import at_least_single, inner_products, weighted_sum


def test_adds_rows_up_without_editing_them() -> None:
    rows = torch.randn(3, 7)
    before = rows.clone()
    torch.testing.assert_close(
        weighted_sum([1.0, -2.0, 0.5], rows), torch.tensor([1.0, -2, 0.5]) @ rows
    )
    assert torch.equal(rows, before)


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_sums_in_single_precision_at_least(dtype: torch.dtype, wide: torch.dtype) -> None:
    assert at_least_single(dtype) == wide


@pytest.mark.parametrize("columns", [0, 5, (1 << 16) + 3])
def test_inner_products_are_those_in_double_precision(columns: int) -> None:
    rows = torch.randn(3, columns) * torch.tensor([[1e-25], [1.0], [1e25]])
    found = inner_products([rows[1], rows[2]], list(rows))
    np.testing.assert_allclose(found, rows[1:].double() @ rows.double().T, rtol=1e-9, atol=1e-9)
