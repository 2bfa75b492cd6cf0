import pytest
import torch

from plait.regularization.algebra.nuclear import nuclear_norms, shrink_singular_values


def nuclear_norm(matrix: torch.Tensor) -> torch.Tensor:
    return nuclear_norms([matrix])[0]


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 4), (1, 5)])
def test_value_and_gradient_are_those_of_the_decomposition(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    left, values, right = torch.linalg.svd(matrix.detach(), full_matrices=False)
    norm = nuclear_norm(matrix)
    (gradient,) = torch.autograd.grad(norm, matrix)
    torch.testing.assert_close(norm, values.sum())
    torch.testing.assert_close(gradient, left @ right)
    assert torch.autograd.gradcheck(nuclear_norm, [matrix])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_subgradient_of_least_norm_at_ties_and_zeros(dtype: torch.dtype) -> None:
    """Of a matrix of rank r, U V^T over its r values: orthonormal there, and 0 beyond."""
    matrix = torch.zeros(4, 9, dtype=dtype)
    matrix[0, 2] = matrix[1, 5] = 2.0
    matrix.requires_grad_()
    (gradient,) = torch.autograd.grad(nuclear_norm(matrix), matrix)
    torch.testing.assert_close(gradient, matrix.detach() / 2)
    zero = torch.zeros(3, 5, dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(nuclear_norm(zero), zero)
    assert not gradient.any()


@pytest.mark.parametrize("step", [0.0, 0.4, 2.0, 100.0])
def test_singular_values_shrink(step: float) -> None:
    matrix = torch.randn(4, 9, dtype=torch.float64)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    expected = (left * (values - step).clamp(min=0)) @ right
    torch.testing.assert_close(shrink_singular_values([matrix], step)[0], expected)
