"""The findings of a log: cosines, shares, flags, tables and first losses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plait.experiments.diagnosis.numbers import mean, number
from plait.runs.diagnosis import Moment, Number
from plait.runs.events import Numbers
from plait.runs.folder import EVENTS

STRETCHES = 20  # of the history
FIRST = 10  # steps of a first loss
LATE = 0.5  # the part of the steps, from the end, that late shares are of

Line = dict[str, Any]


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
    lines = list(_lines(folder / EVENTS))
    steps = [line for line in lines if line.get("event") == "step"]
    measured = [step for step in steps if step.get("cosines")]
    watched = [line for line in lines if line.get("event") == "watched"]
    late = measured[int(len(measured) * (1 - LATE)) :]
    return Logged(
        steps=steps[-1]["step"] if steps else 0,
        history=[
            _moment(list(part), tasks)
            for part in np.array_split(np.array(measured, dtype=object), STRETCHES)
            if len(part)
        ],
        balanced_shares=_mean_shares(late, tasks),
        flags=dict(Counter(step["flag"] for step in steps if step.get("flag"))),
        watched={title: Numbers(**table) for title, table in watched[-1]["values"].items()}
        if watched
        else {},
        warnings=[line["text"] for line in lines if line.get("event") == "warning"],
        first=_first_losses(steps, tasks),
    )


def _lines(path: Path) -> list[Line]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(dict(json.loads(line)))
        except ValueError:  # of a training that was killed while it wrote
            continue
    return found


def _moment(steps: Sequence[Line], tasks: Sequence[str]) -> Moment:
    cosines = np.array([each[2] for step in steps for each in step["cosines"]], dtype=float)
    known = cosines[np.isfinite(cosines)]
    similar = np.array([_similarity(step, *pair) for step in steps for pair in step["cosines"]])
    return Moment(
        step=steps[-1]["step"],
        cosine=number(known.mean()) if len(known) else None,
        rate=number((known < 0).mean()) if len(known) else None,
        similarity=number(float(mean(similar))) if len(similar) else None,
        shares=_mean_shares(steps, tasks),
    )


def _similarity(step: Line, first: str, second: str, _: float) -> float:
    one, two = (step.get("norms", {}).get(task, 0.0) for task in (first, second))
    return 2 * one * two / (one**2 + two**2) if one and two else float("nan")


def _mean_shares(steps: Sequence[Line], tasks: Sequence[str]) -> dict[str, Number]:
    """Returns the mean share of each task in the update, of the steps that tell it."""
    found = [shares for step in steps if (shares := update_shares(step))]
    if not found:
        return {}
    table = np.array([[each.get(task, np.nan) for task in tasks] for each in found])
    return {task: number(value) for task, value in zip(tasks, mean(table), strict=True)}


def update_shares(step: Mapping[str, Any]) -> dict[str, float]:
    """Returns `{task: w_t g_t d / |d|^2}` with ``d = sum_t w_t g_t``, from the line of a step.

    Empty where weights, lengths or cosines are missing, or the update is zero.

    Example:
        >>> known = {"weights": {"a": 1.0, "b": 1.0}, "norms": {"a": 3.0, "b": 1.0}}
        >>> shares = update_shares({**known, "cosines": [("a", "b", 0.0)]})
        >>> {task: round(share, 2) for task, share in shares.items()}
        {'a': 0.9, 'b': 0.1}
    """
    weights, norms = step.get("weights") or {}, step.get("norms") or {}
    names = [task for task in norms if task in weights]
    place = {task: i for i, task in enumerate(names)}
    products = np.eye(len(names))
    for first, second, cosine in step.get("cosines") or ():
        if first in place and second in place:
            products[place[first], place[second]] = products[place[second], place[first]] = cosine
    pull = np.array([weights[task] * norms[task] for task in names], dtype=float)
    products = pull[:, None] * products * pull
    whole = products.sum()
    if len(names) < 2 or not np.isfinite(whole) or whole <= 0:
        return {}
    return dict(zip(names, (products.sum(axis=1) / whole).tolist(), strict=True))


def _first_losses(steps: Sequence[Line], tasks: Sequence[str]) -> dict[str, float]:
    found: dict[str, list[float]] = {task: [] for task in tasks}
    for step in steps:
        for task, loss in step.get("losses", {}).items():
            if loss is not None and task in found and len(found[task]) < FIRST:
                found[task].append(loss)
    return {task: float(np.mean(each)) for task, each in found.items() if each}
