"""The lines of a log's steps, gathered into columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plait.core.errors import DataError
from plait.runs.events import Row, Step, Tasks
from plait.runs.step_columns import StepColumns

BY_TASK = ("losses", "weights", "norms", "shares")


class StepRows:
    """Takes the names of the tasks and the steps of a log, and returns them as `StepColumns`."""

    def __init__(self) -> None:
        self._names: list[str] | None = None
        self._steps: list[Step] = []  # without their rows
        self._rows: dict[str, list[np.ndarray]] = {field: [] for field in BY_TASK}
        self._measured: list[int] = []
        self._cosines: list[np.ndarray] = []

    def check_named(self, where: str) -> None:
        """Checks that a step may come.

        Raises:
            DataError: the tasks have no names yet; the message begins with `where`.
        """
        if self._names is None:
            raise DataError(
                f"{where}: a step comes after the names of the tasks; found one without. Another "
                "version of plait has written this log: train again, or read it with the plait "
                "that env.json names."
            )

    def name(self, tasks: Tasks, where: str) -> None:
        """Takes the names of the tasks for the steps that follow.

        Raises:
            DataError: they do not begin with the known ones; the message begins with `where`.
        """
        known = self._names or []
        if tasks.names[: len(known)] != known:
            raise DataError(
                f"{where}: the names of the tasks must begin with those that are known, {known}; "
                f"found {tasks.names}. Repair or remove this line."
            )
        self._names = tasks.names

    def add(self, step: Step, where: str) -> None:
        """Takes a step.

        Raises:
            DataError: the tasks have no names yet, or a row has not a number for each; the message
                begins with `where`.
        """
        self.check_named(where)
        tasks = len(self._names or ())
        found = {field: _numbers(step, field, tasks, where) for field in BY_TASK}
        there = np.isfinite(found["losses"])
        for field, row in found.items():
            self._rows[field].append(np.where(there, row, np.nan) if row.ndim == 0 else row)
        if step.cosines:
            self._measured.append(len(self._steps))
            pairs = tasks * (tasks - 1) // 2
            self._cosines.append(_numbers(step, "cosines", pairs, where))
        self._steps.append(replace(step, losses=[], weights=[], norms=[], shares=[], cosines=[]))

    def columns(self) -> StepColumns:
        """Returns the steps so far."""
        names, steps = self._names or [], self._steps
        return StepColumns(
            names=list(names),
            step=np.array([step.step for step in steps], dtype=np.int64),
            epoch=np.array([step.epoch for step in steps], dtype=np.int64),
            lr=np.array([step.lr for step in steps], dtype=np.float64),
            seconds=np.array([step.seconds for step in steps], dtype=np.float64),
            gradient_norm=np.array([step.gradient_norm for step in steps], dtype=np.float64),
            **{field: _table(rows, len(names)) for field, rows in self._rows.items()},
            measured=np.array(self._measured, dtype=np.int64),
            cosines=_pair_table(self._cosines, len(names)),
            terms=[step.terms for step in steps],
            skipped=[step.skipped for step in steps],
            flags=[step.flag for step in steps],
        )


def _numbers(step: Step, field: str, count: int, where: str) -> np.ndarray:
    """Returns the row of a step: empty if it has none, of no axis if one number stands for it."""
    given: Row | float = getattr(step, field)
    row = np.array(given, dtype=np.float64)
    if row.ndim and len(row) not in (0, count):
        raise DataError(
            f"{where}: `{field}` must have {count} numbers; found {len(row)}. Repair or remove "
            "this line."
        )
    return row


def _table(rows: list[np.ndarray], tasks: int) -> np.ndarray:
    """Returns the rows as `[S, T]`; what they lack is NaN."""
    if not any(len(row) for row in rows):  # takes no memory
        return np.broadcast_to(np.nan, (len(rows), tasks))
    table = np.full((len(rows), tasks), np.nan)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _pair_table(rows: list[np.ndarray], tasks: int) -> np.ndarray:
    """Returns cosines of pairs as `[M, P]`, in the order of the pairs of all T tasks."""
    place = np.zeros((tasks, tasks), dtype=np.int64)
    first, second = np.triu_indices(tasks, 1)
    place[first, second] = np.arange(len(first))
    table = np.full((len(rows), len(first)), np.nan)
    for row, values in zip(table, rows, strict=True):
        known = (1 + round((1 + 8 * len(values)) ** 0.5)) // 2  # tasks that were known then
        row[place[np.triu_indices(known, 1)]] = values
    return table
