"""Steps of a log as columns: what was written, in its place."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import DataError
from plait.runs import Step, Tasks
from plait.runs.step_rows import StepRows

NUMBERS = st.none() | st.floats(-10, 10)
WHERE: dict[str, Any] = {"epoch": 0, "lr": 0.1, "seconds": 1.0, "gradient_norm": None}
FIELDS = ("losses", "weights", "norms", "shares")


@given(st.data())
def test_every_number_is_in_its_place(data: st.DataObject) -> None:
    """Also where a second line has named more tasks: looked up pair by pair, and task by task."""
    rows, wanted = StepRows(), []
    step = 0
    for tasks in data.draw(st.sampled_from([(1,), (3,), (2, 4), (1, 2, 5)])):
        names = list("abcde"[:tasks])
        rows.name(Tasks(names=names), "here")
        pairs = list(combinations(names, 2))
        for _ in range(data.draw(st.integers(0, 2))):
            step += 1
            by_task = st.lists(NUMBERS, min_size=tasks, max_size=tasks)
            given_: dict[str, Any] = {"losses": data.draw(by_task)}
            for field in FIELDS[1:]:
                given_[field] = data.draw(by_task | st.just([]) | st.floats(-1, 1))
            by_pair = st.lists(NUMBERS, min_size=len(pairs), max_size=len(pairs))
            given_["cosines"] = data.draw(by_pair | st.just([]))
            rows.add(Step(step=step, **given_, **WHERE), "here")
            wanted.append((names, pairs, given_))
    steps = rows.columns()
    assert steps.step.tolist() == list(range(1, step + 1))
    for place, (names, pairs, row) in enumerate(wanted):
        losses = dict(zip(names, row["losses"], strict=True))
        for field in FIELDS:
            own = row[field]
            if not isinstance(own, list):
                known = {name: own for name in names if losses[name] is not None}
            else:
                known = dict(zip(names, own, strict=True)) if own else {}
            found = getattr(steps, field)[place].tolist()
            assert same(found, [known.get(name) for name in steps.names])
        known = dict(zip(pairs, row["cosines"], strict=True)) if row["cosines"] else {}
        measured = steps.measured.tolist()
        assert (place in measured) == bool(known)
        if known:
            found = steps.cosines[measured.index(place)].tolist()
            assert same(found, [known.get(pair) for pair in steps.pairs])


def same(found: list[float], wanted: list[float | None]) -> bool:
    return np.array_equal(found, np.array(wanted, dtype=float), equal_nan=True)


def test_what_no_step_has_takes_no_memory() -> None:
    rows = StepRows()
    rows.name(Tasks(names=["a", "b"]), "here")
    for step in (1, 2, 3):
        rows.add(Step(step=step, losses=[1.0, 2.0], **WHERE), "here")
    found = rows.columns().norms
    assert found.shape == (3, 2) and np.isnan(found).all()
    assert found.strides == (0, 0)


def test_a_log_without_a_step_has_columns_of_no_length() -> None:
    steps = StepRows().columns()
    assert len(steps) == 0 and steps.names == [] and steps.losses.shape == (0, 0)
    assert steps.terms == steps.flags == []
    assert math.isnan(steps.gradient_norm.sum()) is False


def test_a_step_before_the_names_is_refused() -> None:
    with pytest.raises(DataError, match=r"^here: a step comes after the names.*train again"):
        StepRows().add(Step(step=1, losses=[], **WHERE), "here")


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ({"losses": [1.0]}, "`losses` must have 2 numbers; found 1"),
        ({"losses": [1.0, 2.0], "norms": [1.0] * 3}, "`norms` must have 2 numbers; found 3"),
        ({"losses": [1.0, 2.0], "cosines": [1.0] * 3}, "`cosines` must have 1 numbers; found 3"),
    ],
)
def test_a_row_of_another_length_is_refused(rows: dict[str, Any], found: str) -> None:
    gathered = StepRows()
    gathered.name(Tasks(names=["a", "b"]), "here")
    with pytest.raises(DataError, match=f"^here: {found}"):
        gathered.add(Step(step=1, **rows, **WHERE), "here")


def test_names_of_another_run_are_refused() -> None:
    rows = StepRows()
    rows.name(Tasks(names=["a", "b"]), "here")
    rows.name(Tasks(names=["a", "b", "c"]), "here")
    with pytest.raises(DataError, match="must begin with those that are known"):
        rows.name(Tasks(names=["b", "a", "c"]), "there")
