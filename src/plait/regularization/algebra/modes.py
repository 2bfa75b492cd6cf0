"""Products of a tensor with a matrix along one of its axes."""

from __future__ import annotations

import torch
from torch import Tensor


def mode_product(tensor: Tensor, matrix: Tensor, axis: int) -> Tensor:
    """Returns the tensor with each vector along `axis` multiplied by the matrix from the left.

    Example:
        >>> mode_product(torch.eye(2), torch.tensor([[1.0, 2.0]]), 1)
        tensor([[1.],
                [2.]])
    """
    product: Tensor = torch.tensordot(matrix, tensor, dims=([1], [axis]))
    return product.movedim(0, axis)


def along(values: Tensor, axis: int, order: int) -> Tensor:
    """Returns a vector with the shape that multiplies a tensor of `order` axes along one of them.

    Example:
        >>> along(torch.ones(3), 1, 4).shape
        torch.Size([1, 3, 1, 1])
    """
    return values.view([-1 if each == axis else 1 for each in range(order)])
