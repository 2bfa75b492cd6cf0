import torch

from plait.regularization.algebra.modes import along, mode_product


def test_a_product_along_an_axis_is_that_of_each_vector() -> None:
    tensor = torch.randn(2, 3, 4)
    for axis, letters in enumerate(("ia,abc->ibc", "ib,abc->aic", "ic,abc->abi")):
        matrix = torch.randn(5, tensor.shape[axis])
        expected = torch.einsum(letters, matrix, tensor)
        torch.testing.assert_close(mode_product(tensor, matrix, axis), expected)


def test_a_vector_multiplies_along_an_axis() -> None:
    tensor, values = torch.randn(2, 3, 4), torch.randn(3)
    expected = torch.einsum("abc,b->abc", tensor, values)
    torch.testing.assert_close(tensor * along(values, 1, 3), expected)
