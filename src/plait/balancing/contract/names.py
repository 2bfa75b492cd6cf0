"""What a user gives by the names of the tasks, and these names in a call by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from plait.balancing.base import Info
from plait.core.errors import ConfigError, unknown


def present(rows: Tensor, info: Info | None) -> tuple[str, ...]:
    """Returns the names of the tasks present; "0", "1", ... where `info` has none.

    Args:
        rows: what there is one of for each task, such as the losses `[T]`.
        info: what is known of the step.

    Example:
        >>> present(torch.ones(2), None), present(torch.ones(2), Info(("a", "b")))
        (('0', '1'), ('a', 'b'))
    """
    return (info.tasks if info else ()) or tuple(map(str, range(len(rows))))


def check_names(given: Iterable[str], tasks: Sequence[str]) -> None:
    """Checks the names that an option was given for.

    Raises:
        ConfigError: there is no such task.
    """
    for task in given:
        if task not in tasks:
            raise ConfigError(unknown("task", task, tasks))


def values_by_task(
    given: Mapping[str, float] | None, tasks: Iterable[str], like: Tensor, *, default: float
) -> Tensor:
    """Returns the value `[T]` of each task, in the dtype and on the device of `like`.

    Example:
        >>> values_by_task({"a": 3}, ["b", "a"], torch.zeros(()), default=1)
        tensor([1., 3.])
    """
    values = [float((given or {}).get(task, default)) for task in tasks]
    return torch.tensor(values, dtype=like.dtype, device=like.device)
