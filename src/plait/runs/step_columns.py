"""The steps of a log as columns of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True, kw_only=True)
class StepColumns:
    """All steps of a log, S of them, with T tasks; NaN stands for what a step does not have.

    Attributes:
        names: of the tasks, in the order of the columns.
        step: numbers of the steps, from 1, `[S]`.
        epoch: epochs that were finished before each, `[S]`.
        lr: learning rates of the optimizer's first group, `[S]`.
        seconds: spent until then, `[S]`.
        gradient_norm: lengths of the whole gradient before clipping, `[S]`.
        losses: L_t, before weights and shares, `[S, T]`.
        weights: what each task's gradient counted, `[S, T]`.
        norms: lengths of the tasks' gradients, `[S, T]`.
        shares: of the tasks in the labels, with the reduction "label", `[S, T]`.
        measured: places of the M steps that have cosines, `[M]`.
        cosines: of those steps, between the gradients of each of the `pairs`, `[M, P]`.
        terms: `{penalty: (term, strength x term)}` of each step.
        skipped: why a step was not taken; None for one that was.
        flags: what the balancer found out of the ordinary; None if nothing.
    """

    names: list[str]
    step: np.ndarray
    epoch: np.ndarray
    lr: np.ndarray
    seconds: np.ndarray
    gradient_norm: np.ndarray
    losses: np.ndarray
    weights: np.ndarray
    norms: np.ndarray
    shares: np.ndarray
    measured: np.ndarray
    cosines: np.ndarray
    terms: list[dict[str, tuple[float, float]]]
    skipped: list[str | None]
    flags: list[str | None]

    def __len__(self) -> int:
        return len(self.step)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of tasks, in the order of the columns of `cosines`."""
        return list(combinations(self.names, 2))

    def of(self, rows: np.ndarray, task: str) -> np.ndarray:
        """Returns the column of a task; NaN at every step for one that the log does not name.

        Args:
            rows: `losses`, `weights`, `norms` or `shares`.
            task: its name.
        """
        if task not in self.names:
            return np.full(len(rows), np.nan)
        column: np.ndarray = rows[:, self.names.index(task)]
        return column
