"""What a writer can write is what a reader reads: every field of every event."""

import json
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

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
    Validation,
    Warned,
    WatchedValues,
)
from plait.runs.events import KINDS, Event, encode
from plait.runs.folder import EVENTS

NAMES = st.text(min_size=1, max_size=5)
NUMBERS = st.floats(allow_nan=False)
COUNTS = st.integers(0, 10**9)
SCORES = st.dictionaries(NAMES, st.dictionaries(NAMES, NUMBERS, max_size=2), max_size=3)
BY_TASK = st.dictionaries(NAMES, NUMBERS, max_size=3)
BY_COUNT = st.dictionaries(NAMES, COUNTS, max_size=3)
OPTIONAL = st.none() | NAMES
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
    Step: {
        "step": COUNTS,
        "epoch": COUNTS,
        "lr": NUMBERS,
        "seconds": NUMBERS,
        "losses": st.dictionaries(NAMES, st.none() | NUMBERS, max_size=3),
        "gradient_norm": st.none() | NUMBERS,
        "skipped": OPTIONAL,
        "flag": OPTIONAL,
        "weights": BY_TASK,
        "terms": st.dictionaries(NAMES, st.tuples(NUMBERS, NUMBERS), max_size=3),
        "norms": BY_TASK,
        "cosines": st.lists(st.tuples(NAMES, NAMES, NUMBERS), max_size=3),
        "shares": BY_TASK,
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


def read_back(event: Event) -> Event:
    with TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / EVENTS)
        log.write(event)
        log.flush()
        run = read_run(Path(folder))
    single = [each for each in (run.test, run.end, run.mixture) if each is not None]
    several = [*run.steps, *run.validations, *run.watched, *run.warnings, *run.coverage]
    several += [*run.first_steps, *run.seen]
    (found,) = [*several, *single]
    return found


def test_the_strategies_miss_no_event_and_no_field() -> None:
    assert set(STRATEGIES) == set(KINDS) == set(get_args(Event))
    for kind, strategies in STRATEGIES.items():
        assert set(strategies) == {each.name for each in fields(kind)} - {"event"}


@given(EVENTS_OF_ALL_KINDS)
def test_every_field_that_is_written_is_read_back(event: Event) -> None:
    assert read_back(event) == event


@given(EVENTS_OF_ALL_KINDS)
def test_a_line_has_all_that_is_not_left_out_as_empty(event: Event) -> None:
    line = json.loads(encode(event))
    for each in fields(event):
        if each.name not in line:
            assert not getattr(event, each.name)


def test_what_is_never_left_out() -> None:
    step = Step(step=0, epoch=0, lr=0.0, seconds=0.0, losses={}, gradient_norm=None)
    assert json.loads(encode(step)) == {
        "event": "step",
        "step": 0,
        "epoch": 0,
        "lr": 0.0,
        "seconds": 0.0,
        "losses": {},
        "gradient_norm": None,
    }


def test_the_flag_of_a_balancer_is_a_field_of_the_step() -> None:
    step = Step(step=1, epoch=0, lr=0.1, seconds=1.0, losses={"a": 1.0}, gradient_norm=1.0)
    flagged = replace(step, flag="Pareto-stationary")
    assert read_back(flagged) == flagged
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
