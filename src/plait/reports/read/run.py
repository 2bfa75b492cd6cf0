"""A run folder as typed values."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from pydantic import ConfigDict, Field, TypeAdapter

from plait.core.errors import DataError
from plait.reports.read.files import parse, read_bytes
from plait.runs.events import (
    Coverage,
    Ended,
    Event,
    FinalTest,
    FirstStepsSeen,
    Step,
    Tasks,
    Validation,
    Warned,
    WatchedValues,
)
from plait.runs.folder import CONFIG, ENVIRONMENT, EVENTS, TRAINER
from plait.runs.mixture import MixturePlan, MixtureSeen
from plait.runs.step_columns import StepColumns
from plait.runs.step_rows import StepRows


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        folder: where it is.
        steps: the optimizer steps in order, as columns.
        validations: the evaluations in order.
        test: the test after training, if there was one.
        watched: what the methods recorded of themselves, in order.
        warnings: what went wrong with them, in order.
        coverage: the rows with a label in each split, in the order of the log.
        first_steps: what the check of the first steps has found.
        end: why the training ended, if there is something to say of it.
        config: the resolved configuration, or what the Trainer was given, of a run that was not
            started from one; None without either.
        env: versions, command and machine; None likewise.
        mixture: how several data sets were mixed; None with one alone.
        seen: what was trained on of them, after each epoch.
        whole: false if the last line is cut off, as it can be while training goes on.
    """

    folder: Path
    steps: StepColumns
    validations: list[Validation]
    test: FinalTest | None
    watched: list[WatchedValues]
    warnings: list[Warned]
    coverage: list[Coverage]
    first_steps: list[FirstStepsSeen]
    end: Ended | None
    mixture: MixturePlan | None
    seen: list[MixtureSeen]
    config: dict[str, Any] | None
    env: dict[str, Any] | None
    whole: bool

    @property
    def tasks(self) -> list[str]:
        """All tasks, in the order of the model where an evaluation shows it."""
        evaluated = [name for event in self.validations[:1] for name in event.losses]
        trained = zip(self.steps.names, np.isfinite(self.steps.losses).any(axis=0), strict=True)
        stepped = [name for name, ever in trained if ever]
        return list(
            dict.fromkeys(evaluated + stepped + list(self.test.losses if self.test else ()))
        )

    @property
    def best(self) -> Validation | None:
        """The evaluation with the highest score, the first of equal ones."""
        scored = [event for event in self.validations if not math.isnan(event.score)]
        return max(scored, key=lambda event: event.score, default=None)

    @property
    def seconds(self) -> float:
        """Time in training and validation."""
        evaluated = [event.seconds for event in self.validations]
        return max([*self.steps.seconds.tolist(), *evaluated], default=0.0)


_EVENT: TypeAdapter[Event] = TypeAdapter(
    Annotated[Event, Field(discriminator="event")], config=ConfigDict(extra="forbid")
)
_STEP = b'{"event": "step"'
_TRAINER: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_ENV: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def read_run(folder: Path) -> Run:
    """Reads a run folder.

    Raises:
        DataError: `events.jsonl` is missing, or a file is broken; the message names it.
    """
    events, steps, whole = _read_events(folder / EVENTS)
    tests = [event for event in events if isinstance(event, FinalTest)]
    return Run(
        folder,
        steps,
        [event for event in events if isinstance(event, Validation)],
        tests[0] if tests else None,
        [event for event in events if isinstance(event, WatchedValues)],
        [event for event in events if isinstance(event, Warned)],
        [event for event in events if isinstance(event, Coverage)],
        [event for event in events if isinstance(event, FirstStepsSeen)],
        next((event for event in reversed(events) if isinstance(event, Ended)), None),
        next((event for event in events if isinstance(event, MixturePlan)), None),
        [event for event in events if isinstance(event, MixtureSeen)],
        _read_config(folder / CONFIG) or _read_trainer(folder / TRAINER),
        _read_env(folder / ENVIRONMENT),
        whole,
    )


def _read_events(path: Path) -> tuple[list[Event], StepColumns, bool]:
    """Returns the events beside the steps, the steps, and whether the last line is whole."""
    text = read_bytes(path, hint="Give the folder of a run, in which training writes this file.")
    lines = text.splitlines()
    whole = not lines or text.endswith(b"\n") or _is_json(lines[-1])
    if not whole:
        lines.pop()
    events: list[Event] = []
    rows = StepRows()
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        if line.startswith(_STEP):
            rows.check_named(where)
        event = parse(_EVENT, line, where=where, hint="Repair or remove this line.")
        if isinstance(event, Tasks):
            rows.name(event, where)
            continue
        if isinstance(event, Step):
            rows.add(event, where)
            continue
        if isinstance(event, FinalTest) and any(isinstance(other, FinalTest) for other in events):
            raise DataError(f"{where}: a second test event. Keep the one that belongs to this run.")
        events.append(event)
    return events, rows.columns(), whole


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _read_config(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    hint = "Restore the file that training wrote, or remove it: the report then goes without."
    try:
        found = yaml.safe_load(read_bytes(path, hint=hint))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())  # YAML draws over several lines where it stumbled
        raise DataError(f"{path} is not YAML: {reason}. {hint}") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} must be a mapping; found {type(found).__name__}. {hint}")
    return found


def _read_trainer(path: Path) -> dict[str, Any] | None:
    """Returns the options of the Trainer and of the model's methods, with their groups below."""
    if not path.exists():
        return None
    hint = "Restore the file that training wrote, or remove it: the report then goes without."
    found = parse(_TRAINER, read_bytes(path, hint=hint), where=str(path), hint=hint)
    groups, scheduler = found.get("optimizer"), found.get("scheduler")
    last = {"parameter_groups": groups, "scheduler_options": scheduler}
    kept = {name: value for name, value in last.items() if value}
    return {**found.get("options", {}), **found.get("model", {}), **kept}


def _read_env(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    hint = "Restore the file that training wrote, or remove it: the report then goes without."
    return parse(_ENV, read_bytes(path, hint=hint), where=str(path), hint=hint)
