import pytest
import torch

from plait.regularization.algebra.singular import gram
from plait.regularization.algebra.singular import singular as all_singular


def singular(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return all_singular([matrix])[0]


def with_values(values: list[float], columns: int, dtype: torch.dtype) -> torch.Tensor:
    """A matrix of given singular values."""
    left, _ = torch.linalg.qr(torch.randn(len(values), len(values), dtype=torch.float64))
    right, _ = torch.linalg.qr(torch.randn(columns, len(values), dtype=torch.float64))
    return ((left * torch.tensor(values, dtype=torch.float64)) @ right.T).to(dtype)


@pytest.mark.parametrize("shape", [(1, 1), (3, 8), (4, 4), (5, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_vectors_are_those_of_the_decomposition(
    shape: tuple[int, int], dtype: torch.dtype
) -> None:
    matrix = torch.randn(shape, dtype=dtype)
    values, vectors = singular(matrix)
    expected = torch.zeros(shape[0], dtype=torch.float64)
    expected[: min(shape)] = torch.linalg.svdvals(matrix.double())
    torch.testing.assert_close(values.sort(descending=True).values, expected, rtol=1e-9, atol=1e-9)
    rebuilt = vectors * values.square() @ vectors.T
    torch.testing.assert_close(rebuilt, matrix.double() @ matrix.double().T, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(shape[0], dtype=torch.float64))


def test_small_values_in_float64_are_not_lost_to_the_gram_matrix() -> None:
    """Their squares are 1e-20 of the largest, below the precision of the eigenvalues."""
    values, _ = singular(with_values([1.0, 1e-4, 1e-10], 40, torch.float64))
    expected = torch.tensor([1.0, 1e-4, 1e-10], dtype=torch.float64)
    torch.testing.assert_close(values.sort(descending=True).values, expected, rtol=1e-5, atol=0)


def test_small_values_in_float32_are_as_good_as_the_matrix_is() -> None:
    matrix = with_values([1.0, 1e-4], 40, torch.float32)
    expected = torch.linalg.svdvals(matrix.double())
    torch.testing.assert_close(singular(matrix)[0].flip(0), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_zero_to_rounding_is_zero(dtype: torch.dtype) -> None:
    row = torch.randn(1, 50, dtype=dtype)
    values, _ = singular(row.repeat(3, 1))
    assert (values > 0).sum() == 1
    assert not singular(torch.zeros(2, 3, dtype=dtype))[0].any()


def test_the_gram_matrix_of_many_columns() -> None:
    rows = torch.randn(2, (1 << 20) + 5)
    torch.testing.assert_close(gram(rows), rows.double() @ rows.double().T)


def test_many_at_once_are_each_alone() -> None:
    shapes = [(3, 8), (2, 5), (3, 3), (3, 1)]
    matrices = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    matrices.append(with_values([1.0, 1e-5, 1e-9], 7, torch.float64))
    for matrix, (values, vectors) in zip(matrices, all_singular(matrices), strict=True):
        alone = singular(matrix)
        torch.testing.assert_close(values, alone[0])
        torch.testing.assert_close(vectors.abs(), alone[1].abs())
