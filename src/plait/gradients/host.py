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
    flat = [each.reshape(-1) for each in tensors]
    if len({(each.dtype, each.device) for each in flat}) > 1:
        dtype = reduce(torch.promote_types, {each.dtype for each in flat})
        flat = [each.to(flat[0].device, dtype) for each in flat]
    joined = torch.cat(flat).detach().cpu()
    values = joined.to(torch.float64).numpy()
    found, start = [], 0
    for each in tensors:
        stop = start + each.numel()
        found.append(values[start:stop].reshape(each.shape))
        start = stop
    return found
