"""Names of the tasks present, and options given by these names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError, ShapeError, unknown


def tasks_present(rows: Tensor, info: Info | None) -> tuple[str, ...]:
    """Returns the names of the tasks present; "0", "1", ... where `info` has none.

    Args:
        rows: a tensor with one entry for each task, such as the losses `[T]`.
        info: the facts of the step, if there are any.

    Example:
        >>> tasks_present(torch.ones(2), None), tasks_present(torch.ones(2), Info(("a", "b")))
        (('0', '1'), ('a', 'b'))
    """
    return (info.tasks if info else ()) or tuple(map(str, range(len(rows))))


def tasks_of_rows(jacobian: Tensor, info: Info | None) -> tuple[str, ...]:
    """Returns the tasks of the rows; "0", "1", ... where `info` does not name them.

    Raises:
        ShapeError: `jacobian` is not `[T, P]`, or has another number of rows than `info` has tasks.
    """
    if jacobian.dim() != 2:
        raise ShapeError(f"`jacobian` must be [T, P]; found {list(jacobian.shape)}.")
    tasks = tasks_present(jacobian, info)
    if len(tasks) != len(jacobian):
        raise ShapeError(
            f"`jacobian` must have one row for each of the tasks {list(tasks)}; found "
            f"{len(jacobian)} rows."
        )
    return tasks


def check_names(given: Iterable[str], tasks: Sequence[str]) -> None:
    """Checks that each name for which an option was given is that of a task.

    Raises:
        ConfigError: a name is that of no task; the message suggests one.
    """
    for task in given:
        if task not in tasks:
            raise ConfigError(unknown("task", task, tasks))


def values_by_task(
    given: Mapping[str, float] | None, tasks: Iterable[str], like: Tensor, *, default: float
) -> Tensor:
    """Returns the values `[T]` of the tasks, in the dtype and on the device of `like`.

    Args:
        given: `{task: value}`; None is the same as empty.
        tasks: the T names.
        like: a tensor with the wanted dtype and device.
        default: the value of a task that is not in `given`.

    Example:
        >>> values_by_task({"a": 3}, ["b", "a"], torch.zeros(()), default=1)
        tensor([1., 3.])
    """
    values = [float((given or {}).get(task, default)) for task in tasks]
    return torch.tensor(values, dtype=like.dtype, device=like.device)
