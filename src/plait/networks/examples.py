"""Two examples like those of a batch, to try a network on."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn


def device_of(module: nn.Module) -> torch.device:
    """Returns the device of a module's first parameter or buffer; the CPU without any."""
    return next(chain(module.parameters(), module.buffers()), torch.empty(0)).device


def on_meta(tensor: Tensor) -> Tensor:
    """Returns two examples without memory.

    Example:
        >>> on_meta(torch.zeros(5, 3)).shape
        torch.Size([2, 3])
    """
    return torch.empty(2, *tensor.shape[1:], dtype=tensor.dtype, device="meta")


def first_twice(tensor: Tensor) -> Tensor:
    """Returns the first example twice; zeros where there is none.

    Example:
        >>> first_twice(torch.tensor([[1.0], [2.0], [3.0]]))
        tensor([[1.],
                [1.]])
    """
    one = tensor[:1].detach() if len(tensor) else tensor.new_zeros(1, *tensor.shape[1:])
    return one.repeat_interleave(2, dim=0)
