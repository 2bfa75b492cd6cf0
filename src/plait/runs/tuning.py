"""`tune.json`: what a search for settings has tried, and what it has found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from plait.core.typed_json import read_typed, write_typed
from plait.runs.events import Scores
from plait.runs.folder import TUNING

State = Literal["trained", "pruned", "failed", "running"]


@dataclass(frozen=True, kw_only=True)
class TunedTrial:
    """One trial of a search: settings, and what they came to on the validation data.

    Attributes:
        number: from 0; numbers that are missing are of settings that no run could have.
        state: "trained" to its end, "pruned" before it, "failed", or "running" still.
        values: of the objective; NaN for each that was not reached.
        settings: `{key: value}` of those that are searched, a choice by its name; empty for the
            settings that the search has started from, where they lie outside of its space.
        untuned: whether they are the settings that the search has started from.
        scores: `{epoch: score by the rule}`.
        validation: `{task: {metric: value}}` of its best epoch; empty unless it was trained.
        seconds: spent in training and validation; NaN where unknown.
        folder: its run folder, from that of the search.
        reason: why it was pruned, or has failed.
    """

    number: int
    state: State
    values: list[float]
    settings: dict[str, int | float | str]
    untuned: bool = False
    scores: dict[int, float] = field(default_factory=dict)
    validation: Scores = field(default_factory=dict)
    seconds: float = math.nan
    folder: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class FinalRun:
    """A run with the settings of a search, which has read the test split.

    Attributes:
        trial: whose settings.
        after: how many trials the search had when they were chosen.
        seed: of the run.
        folder: its run folder, from that of the search.
        tested: when it read the test split, once, in ISO 8601.
        test: `{task: {metric: value}}` there.
        validation: `{task: {metric: value}}` of its best epoch.
    """

    trial: int
    after: int
    seed: int
    folder: str
    tested: str
    test: Scores
    validation: Scores


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """A search for settings.

    Attributes:
        title: of its report.
        objective: what is looked for: the rule, or "task/metric" of each task.
        higher_is_better: the direction of each.
        space: a line for each setting that is searched.
        how: how settings are drawn, and when a trial ends early, in sentences.
        seed: of the settings that are tried.
        wanted: how many trials were asked for.
        trials: all that were made, in their order.
        best: number of the best trial; of several objectives, that of the front with the highest
            score by the rule; -1 if none was trained.
        front: numbers of the trials that no other beats in every objective.
        importance: `{key: share}`, how much each setting decides whether a trial is among the best
            tenth; empty with fewer than ten trained trials. Their sum is 1.
        finals: the runs that have read the test split, all after the choice.
        note: what else there is to say, in sentences.
    """

    title: str
    objective: list[str]
    higher_is_better: list[bool]
    space: list[str]
    how: list[str]
    seed: int
    wanted: int
    trials: list[TunedTrial]
    best: int
    front: list[int] = field(default_factory=list)
    importance: dict[str, float] = field(default_factory=dict)
    finals: list[FinalRun] = field(default_factory=list)
    note: list[str] = field(default_factory=list)

    def trial(self, number: int) -> TunedTrial | None:
        """Returns the trial of a number; None if there is none."""
        return next((each for each in self.trials if each.number == number), None)


def write_tuning(folder: Path, tuning: Tuning) -> None:
    """Writes `tune.json` into the folder of a search, atomically."""
    write_typed(folder / TUNING, tuning)


def read_tuning(folder: Path) -> Tuning:
    """Reads the search in a folder.

    Raises:
        DataError: there is none, or the file is damaged.
    """
    return read_typed(Tuning, folder / TUNING, hint="Give the command of the search again.")
