"""A diagnosis is written and read back as it was; what is broken is named."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import DataError
from plait.runs.diagnosis import (
    Affinity,
    Conflict,
    Diagnosis,
    Forecast,
    Group,
    Grouping,
    LossScale,
    Moment,
    Opposed,
    SharedBy,
    read_diagnosis,
    write_diagnosis,
)
from plait.runs.events import Numbers
from plait.runs.folder import DIAGNOSIS

CONFLICT = Conflict(
    parameters=8,
    tasks=["a", "b"],
    cosine=-0.5,
    rate=1.0,
    norms=[1.0, 2.0],
    cosines=[[None, -0.5], [-0.5, None]],
    rates=[[None, 1.0], [1.0, None]],
    similarities=[[None, 0.8], [0.8, None]],
    deviations=[[None, 0.1], [0.1, None]],
    counts=[[4, 4], [4, 4]],
)
WHOLE = Diagnosis(
    tasks=["a", "b"],
    source="run",
    title="runs/x",
    steps=100,
    batches=4,
    sentences=["a and b conflict."],
    advice="Train them apart.",
    shared=[SharedBy(tasks=["a", "b"], parameters=8), SharedBy(tasks=["a"], parameters=2)],
    conflict=CONFLICT,
    layers=[replace(CONFLICT, name="sharing.encoder.0")],
    history=[Moment(step=50, cosine=-0.4, rate=0.9, similarity=0.7, shares={"a": 0.5, "b": 0.5})],
    opposed=[Opposed(first="a", second="b", cosine=-0.5, low=-0.6, high=-0.4, rate=1.0)],
    shares={"a": 0.2, "b": 0.8},
    balanced_shares={"a": 0.5, "b": 0.5},
    losses={"a": LossScale(first=1.0, loss=0.5, norm=1.0, batches=4)},
    flags={"Pareto-stationary": 2},
    watched={"gates": Numbers(shares=True, rows={"a": {"one": 0.5, "two": None}, "b": 1.0})},
    warnings=["the gate has collapsed"],
    affinity=Affinity(method="TAG", values=[[0.1, -0.2], [-0.2, 0.1]], batches=4, step=0.001),
    grouping=Grouping(
        groups=[Group(tasks=["a"], gains={"a": 0.1}), Group(tasks=["b"], gains={"b": None})],
        gain=0.1,
        search="exact",
        check_seconds=60.0,
        check="plait compare config.yaml",
    ),
    forecast=[
        Forecast(balancer="Equal", seconds=0.01, ratio=1.0, memory=1000, passes="1", route="sum"),
        Forecast(balancer="GLS", seconds=None, ratio=None, memory=None, passes="1", why="no"),
    ],
    notes=["the log has no cosines"],
)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    for found in (WHOLE, replace(WHOLE, conflict=None, affinity=None, grouping=None, steps=None)):
        write_diagnosis(tmp_path, found)
        assert read_diagnosis(tmp_path) == found


def test_every_field_is_in_the_example() -> None:
    """So that reading back tests each of them."""
    assert all(getattr(WHOLE, each.name) for each in fields(Diagnosis))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tasks": 1}, "`tasks`"),
        ({"more": 1}, "`more`"),
        ({"source": "web"}, "`source`"),
        ({"affinity": {**asdict(WHOLE)["affinity"], "values": [[1.0]]}}, "[2, 2]; found [1, 1]"),
        ({"layers": [{**asdict(CONFLICT), "rates": [[1.0, 2.0]]}]}, "[2, 2]; found [1, 2]"),
    ],
)
def test_what_is_broken_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / DIAGNOSIS).write_text(json.dumps(asdict(WHOLE) | change))
    with pytest.raises(DataError) as refused:
        read_diagnosis(tmp_path)
    assert said in str(refused.value)
    assert "plait diagnose" in str(refused.value)


@pytest.mark.parametrize("text", [None, "null", "{", "[]"])
def test_no_diagnosis_is_an_error(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / DIAGNOSIS).write_text(text)
    with pytest.raises(DataError, match=str(tmp_path / DIAGNOSIS)):
        read_diagnosis(tmp_path)


def test_what_is_no_number_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_diagnosis(tmp_path, replace(WHOLE, shares={"a": float("nan")}))
    assert not list(tmp_path.iterdir())


def test_shares_that_were_not_measured_are_left_out() -> None:
    shares = {"a": 0.0, "b": None}
    assert replace(WHOLE, shares=shares).known_shares == {"a": 0.0}
