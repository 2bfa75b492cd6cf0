"""`tune.json` is read as it was written, and a broken one is told."""

import json
import math
from pathlib import Path

import pytest

from plait.core.errors import DataError
from plait.runs.folder import TUNING
from plait.runs.tuning import FinalRun, TunedTrial, Tuning, read_tuning, write_tuning

FOUND = Tuning(
    title="x",
    objective=["skill"],
    higher_is_better=[True],
    space=["optimizer.lr: 0.1 to 1, log-uniform"],
    how=["Trial 0 first."],
    seed=3,
    wanted=3,
    trials=[
        TunedTrial(
            number=0,
            state="trained",
            values=[0.5],
            settings={"optimizer.lr": 0.2, "sharing.experts": 4, "balancing": "Equal"},
            untuned=True,
            scores={1: 0.4, 2: 0.5},
            validation={"a": {"mae": 1.0}},
            seconds=2.0,
            folder="trials/000",
        ),
        TunedTrial(
            number=2, state="pruned", values=[0.1], settings={}, folder="trials/002", reason="why"
        ),
    ],
    best=0,
    importance={"optimizer.lr": 1.0},
    finals=[
        FinalRun(
            trial=0,
            after=2,
            seed=1,
            folder="final/000-seed-1",
            tested="2026-01-01T00:00:00+00:00",
            test={"a": {"mae": 2.0}},
            validation={"a": {"mae": 1.0}},
        )
    ],
    note=["Said."],
)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_tuning(tmp_path, FOUND)
    found = read_tuning(tmp_path)
    assert math.isnan(found.trials[1].seconds)
    assert repr(found) == repr(FOUND), "with NaN, which equals nothing"
    assert found.trial(2) == found.trials[1]
    assert found.trial(1) is None


def test_a_number_that_is_undefined_is_null(tmp_path: Path) -> None:
    write_tuning(tmp_path, FOUND)
    written = json.loads((tmp_path / TUNING).read_text(), parse_constant=lambda word: 1 / 0)
    assert written["trials"][1]["seconds"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"best": "x"}, "`best`"),
        ({"trials": [{"number": 0}]}, "trials.0"),
        ({"more": 1}, "`more`"),
    ],
)
def test_a_broken_file_is_told(tmp_path: Path, change: dict[str, object], said: str) -> None:
    write_tuning(tmp_path, FOUND)
    path = tmp_path / TUNING
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=said):
        read_tuning(tmp_path)
