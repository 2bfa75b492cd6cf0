"""Labels that have to be a tensor."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.core.errors import DataError


def need_tensor(task: str, target: object) -> None:
    """Raises `DataError` for labels that are no tensor."""
    if not isinstance(target, Tensor):
        raise DataError(
            f"labels of task {task!r} must be a tensor; found {type(target).__name__}. "
            "Convert them with `torch.as_tensor`."
        )


def precise(values: Tensor) -> Tensor:
    """Returns floats in float64; in float32 on a device that has none (MPS)."""
    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)
