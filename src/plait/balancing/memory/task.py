"""Memory of one tensor for each task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.keys import safe_key


def grouped(tasks: Iterable[str], group: int) -> tuple[str, ...]:
    """Returns a key for each task in a parameter group; the tasks' own names in group 0.

    Example:
        >>> grouped(["a", "b"], 0), grouped(["a", "b"], 2)
        (('a', 'b'), ('a@2', 'b@2'))
    """
    return tuple(f"{task}@{group}" if group else task for task in tasks)


class TaskState(nn.Module):
    """A tensor for each task that lives across steps.

    It is in `state_dict`, moves with the balancer, and is keyed by task, so that a task that is
    absent keeps its own. A balancer makes one for each quantity that it remembers.

    Example:
        >>> averages = TaskState()
        >>> averages.put(["a", "b"], torch.tensor([1.0, 2.0]))
        >>> averages.get(["b", "new"], default=torch.tensor(0.0))
        tensor([2., 0.])
        >>> "new" in averages, list(averages.state_dict())
        (False, ['task:a', 'task:b'])
    """

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, Tensor] = {}

    def __contains__(self, task: object) -> bool:
        return isinstance(task, str) and safe_key(task) in self._values

    def get(self, tasks: Iterable[str], default: Tensor) -> Tensor:
        """Returns the values `[T, ...]` of `tasks`; `default` for one that has none yet."""
        values = [self._values.get(safe_key(task), default) for task in tasks]
        return torch.stack([value.to(default) for value in values])

    def put(self, tasks: Sequence[str], values: Tensor) -> None:
        """Remembers `values[i]` for `tasks[i]`, in memory of its own."""
        for task, value in zip(tasks, values.detach(), strict=True):
            self._values[safe_key(task)] = value.clone()

    def reset(self) -> None:
        """Forgets the tensors of all tasks."""
        self._values.clear()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> TaskState:
        self._values = {key: fn(value) for key, value in self._values.items()}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        destination.update({prefix + key: value for key, value in self._values.items()})

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        self._values = {
            key[len(prefix) :]: value.detach().clone()
            for key, value in state_dict.items()
            if key.startswith(prefix)
        }
