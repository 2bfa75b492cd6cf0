"""Many small tensors to the host at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch
from torch import Tensor

NUMPY = (torch.float32, torch.float64)  # dtypes that NumPy has as well


def to_host(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Copies tensors to the host in one copy, which waits for the device once.

    Returns:
        float64 arrays of the same shapes; empty for no tensor.

    Example:
        >>> [each.tolist() for each in to_host([torch.ones(2), torch.eye(1).double()])]
        [[1.0, 1.0], [[1.0]]]
    """
    if not tensors:
        return []
    flat = [each if each.dim() == 1 else each.reshape(-1) for each in tensors]
    first = flat[0]
    if len({(each.dtype, each.device) for each in flat}) > 1:
        dtype = reduce(torch.promote_types, {each.dtype for each in flat})
        flat = [each.to(first.device, dtype) for each in flat]
    joined = torch.cat(flat).detach().cpu()
    values = joined.numpy().astype(np.float64) if joined.dtype in NUMPY else joined.double().numpy()
    found, start = [], 0
    for each in tensors:
        stop = start + each.numel()
        found.append(values[start:stop].reshape(each.shape))
        start = stop
    return found
