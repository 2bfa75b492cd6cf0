"""What a finished run came to, as a file."""

import math
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.runs import FinalTest, RunResult, read_result
from plait.runs.folder import RESULT
from plait.runs.result import write_result

FOUND = RunResult(
    seed=3,
    best_epoch=2,
    score=0.5,
    validation={"a": {"accuracy": 0.5}},
    test=FinalTest(losses={"a": 1.0}, metrics={"a": {"accuracy": 0.25}}, trivial={}, counts={}),
    tested="2026-01-01T00:00:00+00:00",
    steps=10,
    seconds=2.0,
    step_seconds=0.125,
    memory=1e9,
    parameters=7,
    size=28,
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read_result(tmp_path) is None
    write_result(tmp_path, FOUND)
    assert read_result(tmp_path) == FOUND


def test_a_number_that_is_not_known_stays_so(tmp_path: Path) -> None:
    write_result(tmp_path, RunResult(**{**vars(FOUND), "memory": math.nan, "score": -math.inf}))
    found = read_result(tmp_path)
    assert found is not None
    assert math.isnan(found.memory)
    assert math.isnan(found.score)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / RESULT).write_text('{"seed": 0}')
    with pytest.raises(DataError, match=r"result\.json: .* Train the run again"):
        read_result(tmp_path)
