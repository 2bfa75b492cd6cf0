"""An event as a line: JSON that any reader knows, with what is there and no more."""

import json
import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.many import MANY
from plait.runs import Step
from plait.runs.encoding import encode
from plait.runs.events import Event
from tests.runs.test_events import EVENTS_OF_ALL_KINDS

WHERE = {"step": 1, "epoch": 0, "lr": 0.1, "seconds": 1.0, "gradient_norm": 1.0}
NUMBERS = st.floats(allow_nan=False)


def strictly(line: str) -> dict[str, object]:
    """A line as JSON, in which NaN has no place."""

    def refuse(name: str) -> float:
        assert name != "NaN"
        return float(name)

    found: dict[str, object] = json.loads(line, parse_constant=refuse)
    return found


@given(EVENTS_OF_ALL_KINDS)
def test_a_line_has_all_that_is_not_left_out_as_empty(event: Event) -> None:
    line = json.loads(encode(event))
    for each in fields(event):
        if each.name not in line:
            assert getattr(event, each.name) in (None, "", [], {})


def test_what_is_never_left_out() -> None:
    step = Step(step=0, epoch=0, lr=0.0, seconds=0.0, losses=[], gradient_norm=None)
    assert json.loads(encode(step)) == {
        "event": "step",
        "step": 0,
        "epoch": 0,
        "lr": 0.0,
        "seconds": 0.0,
        "losses": [],
        "gradient_norm": None,
    }


@given(st.lists(st.none() | NUMBERS, max_size=MANY))
def test_few_tasks_have_all_digits(row: list[float | None]) -> None:
    line = strictly(encode(Step(losses=row, weights=0.0, cosines=row, **WHERE)))
    assert (line["losses"], line.get("cosines", []), line["weights"]) == (row, row, 0.0)


@given(st.lists(st.none() | NUMBERS, min_size=MANY + 1, max_size=MANY + 9))
def test_many_tasks_have_six(row: list[float | None]) -> None:
    line = strictly(
        encode(Step(losses=row, weights=1 / 3, norms=row, cosines=[0.1234567], **WHERE))
    )
    wanted = [None if each is None else float(f"{each:.6g}") for each in row]
    assert line["losses"] == line["norms"] == wanted
    assert (line["weights"], line["cosines"]) == (1 / 3, [0.123457])


@pytest.mark.parametrize("tasks", [3, MANY + 3])
def test_what_is_not_there_is_null(tasks: int) -> None:
    row = [math.nan, None, math.inf, *[1.0] * (tasks - 3)]
    text = encode(Step(losses=row, **WHERE))
    assert strictly(text)["losses"] == [None, None, math.inf, *[1.0] * (tasks - 3)]
