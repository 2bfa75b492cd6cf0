"""A search on stdout."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from rich.console import Console

from plait.cli import tuning
from plait.runs.tuning import TunedTrial, Tuning
from tests.runs.test_tuning import FOUND


def shown(found: Tuning) -> str:
    out = StringIO()
    with patch.object(tuning, "Console", lambda: Console(file=out, width=200)):
        tuning.show(found, Path("search"), Path("search/report.html"), as_json=False)
    return out.getvalue()


def trial(number: int, *values: float) -> TunedTrial:
    settings: dict[str, int | float | str] = {"optimizer.lr": 0.1 * number}
    given = {"values": list(values), "settings": settings, "folder": f"trials/{number:03}"}
    return TunedTrial(number=number, state="trained", untuned=number == 0, **given)  # type: ignore[arg-type]


def test_the_best_come_first_and_the_untuned_is_always_there() -> None:
    trials = [trial(number, number / 100) for number in range(30)]
    found = replace(FOUND, trials=trials, best=29)
    assert [each.number for each in tuning.ranked(found)][:3] == [29, 28, 27]
    text = shown(found)
    assert "★29" in text
    assert "as they were" in text
    assert "│    19 │" not in text
    assert "The report has all 30 trials." in text
    lower = replace(found, higher_is_better=[False], best=0)
    assert [each.number for each in tuning.ranked(lower)][:3] == [0, 1, 2]


def test_of_several_objectives_the_front_is_shown() -> None:
    trials = [trial(0, 0.1, 3.0), trial(1, 0.2, 2.0), trial(2, 0.3, 4.0)]
    found = replace(
        FOUND,
        objective=["a/iou", "b/mae"],
        higher_is_better=[True, False],
        trials=trials,
        best=2,
        front=[1, 2],
    )
    assert [each.number for each in tuning.ranked(found)] == [2, 1]
    assert "a/iou ↑" in shown(found)
    assert "b/mae ↓" in shown(found)


def test_the_test_of_the_best_is_shown() -> None:
    text = shown(FOUND)
    assert "Test split, trial 0, seed 1: a: mae 2" in text
    assert "Said." in text
    assert "plait train search/best.yaml" in text


def test_for_a_program_all_of_it() -> None:
    with patch("builtins.print") as printed:
        tuning.show(FOUND, Path("search"), Path("search/report.html"), as_json=True)
    found = json.loads(printed.call_args.args[0])
    assert found["report"] == "search/report.html"
    assert found["trials"][1]["seconds"] is None
    assert found["importance"] == {"optimizer.lr": 1.0}
