"""Memory of one number for each pair of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from plait.core.keys import safe_key

BETWEEN = ">"  # the two tasks of a pair in `state_dict`


class PairState(nn.Module):
    """A number for each ordered pair of tasks and group of parameters, 0 at first.

    It is in `state_dict`, keyed by the two tasks, so that a task that is absent keeps its own. It
    stays on the host, in float64.

    Example:
        >>> targets = PairState()
        >>> targets.put(["a", "b"], np.array([[0.0, 1.0], [2.0, 0.0]]))
        >>> targets.get(["b", "new", "a"]).tolist()
        [[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, int] = {}
        self._values = np.zeros((0, 0, 0))  # group, task, other task

    def get(self, tasks: Sequence[str], group: int = 0) -> np.ndarray:
        """Returns a copy of the numbers `[T, T]`; entry (i, j) is that of tasks i and j."""
        if group >= len(self._values):
            return np.zeros((len(tasks), len(tasks)))
        places = [self._places.get(_key(task), -1) for task in tasks]
        with_unknown = np.pad(self._values[group], (0, 1))  # its last row and column are zeros
        return with_unknown[np.ix_(places, places)]

    def put(self, tasks: Sequence[str], values: np.ndarray, group: int = 0) -> None:
        """Remembers `values[i, j]` for tasks i and j."""
        places = [self._places.setdefault(_key(task), len(self._places)) for task in tasks]
        groups, known, _ = self._values.shape
        more = (0, len(self._places) - known)
        self._values = np.pad(self._values, ((0, max(0, group + 1 - groups)), more, more))
        self._values[group][np.ix_(places, places)] = values

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        for one, i in self._places.items():
            for other, j in self._places.items():
                key = f"{prefix}{one}{BETWEEN}{other}"
                destination[key] = torch.from_numpy(self._values[:, i, j].copy())

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        saved = {
            tuple(key[len(prefix) :].split(BETWEEN)): value.cpu().numpy()
            for key, value in state_dict.items()
            if key.startswith(prefix)
        }
        self._places = {one: i for i, one in enumerate(dict.fromkeys(one for one, _ in saved))}
        groups = max((len(value) for value in saved.values()), default=0)
        self._values = np.zeros((groups, len(self._places), len(self._places)))
        for (one, other), value in saved.items():
            self._values[:, self._places[one], self._places[other]] = value


def _key(task: str) -> str:
    """Returns the task's safe key, which has no `BETWEEN` in it."""
    return safe_key(task).replace(BETWEEN, f"%{ord(BETWEEN):X}")
