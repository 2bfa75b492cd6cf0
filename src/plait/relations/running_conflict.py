"""Conflict over the steps of a training, as running averages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.core.errors import ConfigError, unknown
from plait.relations.conflict import Conflict, Floats


class RunningConflict:
    """Averages the conflict of many steps, in which tasks may be absent.

        mean = sum_k decay^(n - k) x_k / sum_k decay^(n - k)

    over the n steps in which the number is known: both tasks of a pair are present, and neither
    gradient is zero. With a decay below 1 the last steps count most, without a bias to 0 at first.

    Args:
        tasks: names of all tasks, T.
        decay: weight of a step beside that of the next, above 0 to 1; by default 1, a plain mean.

    Attributes:
        steps: the number of steps so far.
        zeros: `{task: steps in which its gradient was zero}`.

    Example:
        >>> from plait.relations import gradient_conflict
        >>> running = RunningConflict(["a", "b"])
        >>> for other in ([1.0, 0.0], [-1.0, 0.0]):
        ...     jacobian = [[1.0, 0.0], other]
        ...     running.update(gradient_conflict(jacobian=jacobian, tasks=["a", "b"]))
        >>> running.cosines[0, 1].item(), running.rates[0, 1].item()
        (0.0, 0.5)
    """

    def __init__(self, tasks: Sequence[str], *, decay: float = 1.0) -> None:
        if not 0 < decay <= 1:
            raise ConfigError(f"`decay` must be above 0 and at most 1; found {decay}.")
        self.tasks = tuple(tasks)
        self.decay = decay
        self.steps = 0
        self.zeros = dict.fromkeys(self.tasks, 0)
        count = len(self.tasks)
        pairs = ("cosines", "similarity", "rates")
        self._sums: dict[str, Floats] = {name: np.zeros((count, count)) for name in pairs}
        self._sums |= {name: np.zeros(count) for name in ("norms", "toward_mean", "shares")}
        self._known = np.zeros((count, count))  # mass of the steps with both, neither zero
        self._there = np.zeros(count)  # mass of the steps with the task

    def update(self, step: Conflict) -> None:
        """Adds the conflict of one step, whose tasks are some of all.

        Raises:
            ConfigError: a task is unknown.
        """
        for task in step.tasks:
            if task not in self.zeros:
                raise ConfigError(unknown("task", task, self.tasks))
        self.steps += 1
        at = np.array([self.tasks.index(task) for task in step.tasks])
        known = ~np.isin(step.tasks, step.zero)
        for task in step.zero:
            self.zeros[task] += 1
        pairs = np.outer(known, known)
        now = {
            "cosines": step.cosines,
            "similarity": step.similarity,
            "rates": step.conflicts.astype(np.float64),
        }
        cells = np.ix_(at, at)
        fading = np.where(pairs, self.decay, 1.0)  # what a step does not tell stays as it is
        self._known[cells] = fading * self._known[cells] + pairs
        for name, values in now.items():
            self._sums[name][cells] = fading * self._sums[name][cells] + pairs * values
        self._there[at] = self.decay * self._there[at] + 1.0
        for name in ("norms", "toward_mean", "shares"):
            values = getattr(step, name)
            self._sums[name][at] = self.decay * self._sums[name][at] + values

    @property
    def cosines(self) -> Floats:
        """Mean cosines, `[T, T]`; 0 for a pair that was never known."""
        return self._mean("cosines")

    @property
    def similarity(self) -> Floats:
        """Mean magnitude similarities, `[T, T]`; 0 for a pair that was never known."""
        return self._mean("similarity")

    @property
    def rates(self) -> Floats:
        """The share of the steps in which a pair conflicted, `[T, T]`; 0 where never known."""
        return self._mean("rates")

    @property
    def rate(self) -> float:
        """The mean of `rates` over the pairs that were ever known, 0 to 1; 0 without any."""
        pairs = np.triu(self._known > 0, k=1)
        return float(self.rates[pairs].mean()) if pairs.any() else 0.0

    @property
    def norms(self) -> Floats:
        """Mean lengths of the gradients, `[T]`, over the steps with the task; 0 without any."""
        return self._mean("norms")

    @property
    def toward_mean(self) -> Floats:
        """Mean cosines with the mean gradient, `[T]`, over the steps with the task."""
        return self._mean("toward_mean")

    @property
    def shares(self) -> Floats:
        """Mean shares of the update, `[T]`, over the steps with the task; 0 without any."""
        return self._mean("shares")

    def _mean(self, name: str) -> Floats:
        total = self._sums[name]
        mass = self._known if total.ndim == 2 else self._there
        return np.divide(total, mass, out=np.zeros_like(total), where=mass > 0)
