import pytest
import torch

from plait.regularization.algebra.quadratic import quadratic, quadratic_prox


def test_the_form_and_its_resolvent() -> None:
    root = torch.randn(4, 4, dtype=torch.float64)
    matrix = root @ root.T
    values, vectors = torch.linalg.eigh(matrix)
    rows = torch.randn(4, 6, dtype=torch.float64)
    torch.testing.assert_close(quadratic(rows, values, vectors), (rows.T @ matrix @ rows).trace())
    for step in (0.0, 0.3, 50.0):
        expected = torch.linalg.solve(torch.eye(4).double() + 2 * step * matrix, rows)
        torch.testing.assert_close(quadratic_prox(rows, values, vectors, step), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_the_matrix_leaves_alone_is_left_alone_by_any_step(dtype: torch.dtype) -> None:
    values, vectors = torch.linalg.eigh(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).double())
    rows = torch.tensor([[1.0], [5.0]], dtype=dtype)
    found = quadratic_prox(rows, values.clamp(min=0), vectors, 1e30)
    torch.testing.assert_close(found, torch.full_like(rows, 3.0))
