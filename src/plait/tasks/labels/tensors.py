"""Labels that have to be a tensor."""

from __future__ import annotations

from torch import Tensor

from plait.core.errors import DataError


def need_tensor(task: str, target: object) -> None:
    """Raises `DataError` for labels that are no tensor."""
    if not isinstance(target, Tensor):
        raise DataError(
            f"labels of task {task!r} must be a tensor; found {type(target).__name__}. "
            "Convert them with `torch.as_tensor`."
        )
