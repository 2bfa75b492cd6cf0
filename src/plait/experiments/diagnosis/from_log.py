"""The findings of a log: cosines, shares, flags, tables and first losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from plait.experiments.diagnosis.numbers import mean, number
from plait.runs.diagnosis import Moment, Number
from plait.runs.events import Numbers
from plait.runs.logged import logged, steps_of
from plait.runs.step_columns import StepColumns

STRETCHES = 20  # of the history
FIRST = 10  # steps of a first loss
LATE = 0.5  # the part of the steps, from the end, that late shares are of


@dataclass(frozen=True)
class Logged:
    """The findings of a log; the fields are those of `Diagnosis`.

    Attributes:
        steps: the number of the last step.
        first: `{task: mean of its first losses}`.
    """

    steps: int = 0
    history: list[Moment] = field(default_factory=list)
    balanced_shares: dict[str, Number] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    watched: dict[str, Numbers] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    first: dict[str, float] = field(default_factory=dict)


def read_log(folder: Path, tasks: Sequence[str]) -> Logged:
    """Reads `events.jsonl` of a run; a last line that is cut off is passed over.

    Args:
        folder: of the run.
        tasks: names of the tasks.
    """
    steps = steps_of(folder)
    measured = np.arange(len(steps.measured))
    watched = list(logged(folder, "watched"))
    return Logged(
        steps=int(steps.step[-1]) if len(steps) else 0,
        history=[
            _moment(steps, part, tasks) for part in np.array_split(measured, STRETCHES) if len(part)
        ],
        balanced_shares=_mean_shares(steps, measured[int(len(measured) * (1 - LATE)) :], tasks),
        flags=dict(Counter(flag for flag in steps.flags if flag)),
        watched={title: Numbers(**table) for title, table in watched[-1]["values"].items()}
        if watched
        else {},
        warnings=[line["text"] for line in logged(folder, "warning")],
        first=_first_losses(steps, tasks),
    )


def _moment(steps: StepColumns, measured: np.ndarray, tasks: Sequence[str]) -> Moment:
    """Returns the means over some of the steps that have cosines, given by their places."""
    cosines = steps.cosines[measured]
    known = cosines[np.isfinite(cosines)]
    similar = _similarity(steps.norms[steps.measured[measured]])[~np.isnan(cosines)]
    return Moment(
        step=int(steps.step[steps.measured[measured[-1]]]),
        cosine=number(known.mean()) if len(known) else None,
        rate=number((known < 0).mean()) if len(known) else None,
        similarity=number(float(mean(similar))) if len(similar) else None,
        shares=_mean_shares(steps, measured, tasks),
    )


def _similarity(norms: np.ndarray) -> np.ndarray:
    """Returns ``2 a b / (a^2 + b^2)`` of each pair of lengths; NaN where one is 0 or missing."""
    first, second = np.triu_indices(norms.shape[1], 1)
    one, two = np.where(norms > 0, norms, np.nan)[:, [first, second]].swapaxes(0, 1)
    similar: np.ndarray = 2 * one * two / (one**2 + two**2)
    return similar


def _mean_shares(
    steps: StepColumns, measured: np.ndarray, tasks: Sequence[str]
) -> dict[str, Number]:
    """Returns the mean share of each task in the update, of the steps that tell it."""
    found = [
        update_shares(steps.weights[place], steps.norms[place], cosines)
        for place, cosines in zip(steps.measured[measured], steps.cosines[measured], strict=True)
    ]
    table = np.array([shares for shares in found if not np.isnan(shares).all()])
    if not len(table):
        return {}
    return {task: number(float(mean(steps.of(table, task)))) for task in tasks}


def update_shares(weights: np.ndarray, norms: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """Returns ``w_t g_t d / |d|^2`` of each task, `[T]`, with ``d = sum_t w_t g_t``.

    NaN for a task without weight or length, and for all tasks if two do not have both, or if the
    update is zero.

    Args:
        weights: what each task's gradient counted, `[T]`.
        norms: lengths of the gradients, `[T]`.
        cosines: between them, `[T (T - 1) / 2]`, in the order of `StepColumns.pairs`; NaN is 0.

    Example:
        >>> update_shares(np.ones(2), np.array([3.0, 1.0]), np.zeros(1)).tolist()
        [0.9, 0.1]
    """
    pull = weights * norms
    there = ~np.isnan(pull)
    products = np.eye(len(pull))
    products[np.triu_indices(len(pull), 1)] = np.nan_to_num(cosines)
    pull = np.where(there, pull, 0.0)
    products = pull[:, None] * (np.triu(products) + np.triu(products, 1).T) * pull
    whole = products.sum()
    if there.sum() < 2 or not np.isfinite(whole) or whole <= 0:
        return np.full(len(pull), np.nan)
    shares: np.ndarray = np.where(there, products.sum(axis=1) / whole, np.nan)
    return shares


def _first_losses(steps: StepColumns, tasks: Sequence[str]) -> dict[str, float]:
    """Returns the mean of the first losses of each task that has one."""
    columns = {task: steps.of(steps.losses, task) for task in tasks}
    known = {task: column[~np.isnan(column)][:FIRST] for task, column in columns.items()}
    return {task: float(np.mean(each)) for task, each in known.items() if len(each)}
