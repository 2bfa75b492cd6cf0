"""What a writer can write is what a reader reads: every field of every event."""

import json
import math
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import DataError
from plait.reports.read.run import read_run
from plait.runs import (
    Coverage,
    Ended,
    EventLog,
    FinalTest,
    FirstStepsSeen,
    MixturePlan,
    MixtureSeen,
    Numbers,
    SourcePlan,
    Step,
    StepColumns,
    Tasks,
    Validation,
    Warned,
    WatchedValues,
)
from plait.runs.encoding import encode
from plait.runs.events import KINDS, Event
from plait.runs.folder import EVENTS

NAMES = st.text(min_size=1, max_size=5)
NUMBERS = st.floats(allow_nan=False)
COUNTS = st.integers(0, 10**9)
SCORES = st.dictionaries(NAMES, st.dictionaries(NAMES, NUMBERS, max_size=2), max_size=3)
BY_TASK = st.dictionaries(NAMES, NUMBERS, max_size=3)
BY_COUNT = st.dictionaries(NAMES, COUNTS, max_size=3)
OPTIONAL = st.none() | NAMES
TASKS = ["a", "b", "c"]  # and as many pairs
ROWS = st.lists(st.none() | NUMBERS, min_size=3, max_size=3) | st.just([])
CELLS = st.dictionaries(NAMES, st.none() | NUMBERS, max_size=3)

EVALUATED = {
    "losses": BY_TASK,
    "metrics": SCORES,
    "trivial": SCORES,
    "counts": BY_TASK,
    "higher_is_better": st.dictionaries(NAMES, st.dictionaries(NAMES, st.booleans(), max_size=2)),
    "undefined": st.dictionaries(NAMES, st.dictionaries(NAMES, NAMES, max_size=2), max_size=2),
    "all_right": BY_TASK,
    "one_class": st.dictionaries(NAMES, NAMES, max_size=2),
}
STRATEGIES: dict[type, dict[str, Any]] = {
    Tasks: {"names": st.lists(NAMES, min_size=1, max_size=3, unique=True)},
    Step: {
        "step": COUNTS,
        "epoch": COUNTS,
        "lr": NUMBERS,
        "seconds": NUMBERS,
        "losses": ROWS,
        "gradient_norm": st.none() | NUMBERS,
        "skipped": OPTIONAL,
        "flag": OPTIONAL,
        "weights": ROWS | NUMBERS,
        "terms": st.dictionaries(NAMES, st.tuples(NUMBERS, NUMBERS), max_size=3),
        "norms": ROWS | NUMBERS,
        "cosines": ROWS,
        "shares": ROWS | NUMBERS,
    },
    Validation: {
        "epoch": COUNTS,
        "step": COUNTS,
        "score": NUMBERS,
        "seconds": NUMBERS,
        "best_epochs": st.dictionaries(NAMES, COUNTS, max_size=3),
        **EVALUATED,
    },
    FinalTest: EVALUATED,
    WatchedValues: {
        "step": COUNTS,
        "epoch": COUNTS,
        "values": st.dictionaries(
            NAMES,
            st.builds(
                Numbers,
                shares=st.booleans(),
                rows=st.dictionaries(NAMES, st.none() | NUMBERS | CELLS, max_size=3),
            ),
            max_size=2,
        ),
    },
    Warned: {"step": COUNTS, "text": NAMES},
    Coverage: {
        "split": NAMES,
        "rows": BY_COUNT,
        "labelled": BY_COUNT,
        "classes": st.dictionaries(NAMES, BY_COUNT, max_size=2),
    },
    MixturePlan: {
        "policy": NAMES,
        "steps": COUNTS,
        "rule": NAMES,
        "sources": st.dictionaries(
            NAMES,
            st.builds(
                SourcePlan,
                examples=st.none() | COUNTS,
                batch_size=st.none() | NUMBERS,
                share=st.none() | NUMBERS,
                steps=NUMBERS,
                passes=st.none() | NUMBERS,
            ),
            max_size=2,
        ),
    },
    MixtureSeen: {
        "epoch": COUNTS,
        "step": COUNTS,
        "examples": BY_COUNT,
        "labels": BY_TASK,
        "note": NAMES,
    },
    FirstStepsSeen: {"step": COUNTS, "lines": st.lists(NAMES, min_size=1, max_size=2)},
    Ended: {"epoch": COUNTS, "step": COUNTS, "text": NAMES},
}
EVENTS_OF_ALL_KINDS = st.one_of(
    st.builds(kind, **strategies) for kind, strategies in STRATEGIES.items()
)


def only_step(steps: StepColumns) -> Step:
    """The one step of some columns, with its rows whole."""
    columns = {name: getattr(steps, name) for name in ("losses", "weights", "norms", "shares")}
    columns["cosines"] = steps.cosines if len(steps.measured) else np.full((1, 3), np.nan)
    (norm,) = steps.gradient_norm.tolist()
    return Step(
        step=int(steps.step[0]),
        epoch=int(steps.epoch[0]),
        lr=float(steps.lr[0]),
        seconds=float(steps.seconds[0]),
        gradient_norm=None if math.isnan(norm) else norm,
        skipped=steps.skipped[0],
        flag=steps.flags[0],
        terms=steps.terms[0],
        **{
            name: [None if x != x else x for x in rows[0].tolist()]
            for name, rows in columns.items()
        },
    )


def whole(step: Step) -> Step:
    """A step with a number or None for each task in all of its rows."""
    losses = step.losses or [None] * 3
    there = [loss is not None and math.isfinite(loss) for loss in losses]
    rows: dict[str, Any] = {"losses": losses}
    for name in ("weights", "norms", "shares", "cosines"):
        row = getattr(step, name)
        one = not isinstance(row, list)
        rows[name] = [row if each else None for each in there] if one else row or [None] * 3
    return replace(step, **rows)


def read_back(event: Event) -> Event:
    with TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / EVENTS)
        if isinstance(event, Step):
            log.write(Tasks(names=TASKS))
        log.write(event)
        log.flush()
        run = read_run(Path(folder))
    if isinstance(event, Step):
        return only_step(run.steps)
    if isinstance(event, Tasks):
        return Tasks(names=run.steps.names)
    single = [each for each in (run.test, run.end, run.mixture) if each is not None]
    several: list[Event] = [*run.validations, *run.watched, *run.warnings, *run.coverage]
    several += [*run.first_steps, *run.seen]
    (found,) = [*several, *single]
    return found


def test_the_strategies_miss_no_event_and_no_field() -> None:
    assert set(STRATEGIES) == set(KINDS) == set(get_args(Event))
    for kind, strategies in STRATEGIES.items():
        assert set(strategies) == {each.name for each in fields(kind)} - {"event"}


@given(EVENTS_OF_ALL_KINDS)
def test_every_field_that_is_written_is_read_back(event: Event) -> None:
    assert read_back(event) == (whole(event) if isinstance(event, Step) else event)


def test_the_flag_of_a_balancer_is_a_field_of_the_step() -> None:
    step = Step(step=1, epoch=0, lr=0.1, seconds=1.0, losses=[1.0] * 3, gradient_norm=1.0)
    flagged = replace(step, flag="Pareto-stationary")
    assert read_back(flagged) == whole(flagged)
    assert "flag" not in json.loads(encode(step))


@pytest.mark.parametrize(
    "line",
    [
        {"event": "warning", "step": 1, "text": "a", "severity": 3},
        {"event": "watched", "step": 1, "epoch": 0, "values": {}, "severity": 3},
        {
            "event": "watched",
            "step": 1,
            "epoch": 0,
            "values": {"G": {"shares": True, "rows": {}, "severity": 3}},
        },
    ],
)
def test_a_field_that_nobody_declared_is_refused_by_name(
    line: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / EVENTS).write_text(json.dumps(line) + "\n")
    with pytest.raises(DataError, match=r"line 1: `.*severity`: Unexpected"):
        read_run(tmp_path)
