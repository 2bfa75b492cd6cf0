"""Many small tensors to the host at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch
from torch import Tensor


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
    device = tensors[0].device
    dtype = reduce(torch.promote_types, {each.dtype for each in tensors})
    flat = [each.detach().reshape(-1).to(device, dtype) for each in tensors]
    joined = torch.cat(flat).double().cpu().numpy()
    found, start = [], 0
    for each in tensors:
        stop = start + each.numel()
        found.append(joined[start:stop].reshape(each.shape))
        start = stop
    return found
