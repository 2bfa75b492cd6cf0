"""Weights that add up to 1 and live across steps, where tasks may be absent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from plait.balancing.memory.task import TaskState


class SimplexState(TaskState):
    """Weights on the simplex for the tasks present; equal at first.

    It keeps a mass for each task, 1 for a new one. The tasks present share what they have together,
    so that one that is absent comes back with the part of the whole that it had.

    Example:
        >>> state = SimplexState()
        >>> state.write(["a", "b"], np.array([0.25, 0.75]))
        >>> state.read(["a", "b", "new"]).round(3).tolist()
        [0.167, 0.5, 0.333]
    """

    def read(self, tasks: Sequence[str]) -> np.ndarray:
        """Returns the weights `[T]` of `tasks`; they add up to 1."""
        masses = self._masses(tasks)
        weights: np.ndarray = masses / masses.sum()
        return weights

    def write(self, tasks: Sequence[str], weights: np.ndarray) -> None:
        """Remembers `weights`, which add up to 1."""
        self.put(tasks, torch.from_numpy(weights * self._masses(tasks).sum()))

    def _masses(self, tasks: Sequence[str]) -> np.ndarray:
        masses: np.ndarray = self.get(tasks, torch.ones((), dtype=torch.float64)).numpy()
        return masses if masses.any() else np.ones(len(tasks))  # all lost theirs to absent ones
