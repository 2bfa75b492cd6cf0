"""`result.json`: what a finished run came to; its presence says that the run is finished."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from plait.core.typed_json import read_typed_if_there, write_typed
from plait.runs.events import FinalTest, Scores
from plait.runs.folder import RESULT


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The scores, the size and the costs of a finished run.

    Attributes:
        seed: of the run.
        best_epoch: the epoch, from 1, whose weights were kept; 0 for those before the first step.
        score: of that epoch on the validation split, by the run's rule; higher is better.
        validation: `{task: {metric: value}}` of that epoch on the validation split.
        test: losses and metrics of its model on the test split; empty if that was not read.
        tested: when the test split was read, once, in ISO 8601; "" if it was not.
        steps: of the optimizer.
        seconds: spent in training and validation.
        step_seconds: of one training step on average, without evaluation; NaN where no epoch has
            two steps.
        memory: the most memory that the process had while training, in bytes; NaN where the system
            does not say.
        parameters: number of the model's parameters.
        size: of its weights, in bytes.
        data: `{what: digest}` of the data files; empty where the recipe makes its data.
        best_epochs: `{task: the epoch of its own network}`; empty where all are of one epoch.
        started: what was taken over from other runs, in a sentence; empty if nothing.
    """

    seed: int
    best_epoch: int
    score: float
    validation: Scores
    test: FinalTest
    tested: str
    steps: int
    seconds: float
    step_seconds: float
    memory: float = math.nan
    parameters: int
    size: int
    data: dict[str, str] = field(default_factory=dict)
    best_epochs: dict[str, int] = field(default_factory=dict)
    started: str = ""


def write_result(folder: Path, result: RunResult) -> None:
    """Writes `result.json` into a run folder, atomically."""
    write_typed(folder / RESULT, result)


def read_result(folder: Path) -> RunResult | None:
    """Reads what the run in a folder came to; returns None if it is not finished.

    Raises:
        DataError: the file is damaged.
    """
    return read_typed_if_there(RunResult, folder / RESULT, hint="Train the run again.")
