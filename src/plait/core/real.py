"""Complex numbers as two real ones: the inner product of gradients is that of all their parts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import torch
from torch import Tensor


def as_real(tensor: Tensor) -> Tensor:
    """Returns a complex tensor `[...]` as real and imaginary parts `[..., 2]`; a real one as it is.

    Example:
        >>> as_real(torch.tensor([1 + 2j]))
        tensor([[1., 2.]])
    """
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def as_like(numbers: Tensor, tensor: Tensor) -> Tensor:
    """Returns `real_count` real numbers in the shape and kind of `tensor`; their precision stays.

    Example:
        >>> as_like(torch.tensor([1.0, 2.0]), torch.tensor([0j]))
        tensor([1.+2.j])
    """
    if tensor.is_complex():
        if numbers.storage_offset() % 2:  # a view as pairs has to start at an even place
            numbers = numbers.clone()
        return torch.view_as_complex(numbers.view(*tensor.shape, 2))
    return numbers.view(tensor.shape)


def real_count(tensor: Tensor) -> int:
    """Counts the real numbers of a tensor, two for each complex one."""
    return 2 * tensor.numel() if tensor.is_complex() else tensor.numel()


def real_dtype(tensors: Iterable[Tensor], least: torch.dtype) -> torch.dtype:
    """Returns the widest dtype of the real numbers in `tensors`, `least` at least.

    Example:
        >>> real_dtype([torch.tensor(0j)], torch.float16)
        torch.float32
    """
    return reduce(torch.promote_types, (each.dtype.to_real() for each in tensors), least)
