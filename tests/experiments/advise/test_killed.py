"""An advice that is killed again and again: nothing that was trained is trained again."""

from dataclasses import asdict
from pathlib import Path

import pytest

from plait.experiments import validate, with_defaults
from plait.experiments.advise import advise
from plait.runs.advice import Advice, read_advice
from tests.experiments.tiny import TINY
from tests.killing import kill_often, run_to_end


def advise_tiny(folder: Path) -> None:
    few = {"recipe": TINY, "epochs": 8, "gallery": 0, "tasks": ["quarter", "spot"]}
    advise(validate(with_defaults(few)), folder, minutes=5, seeds=2)


def trained_below(folder: Path) -> dict[str, tuple[int, int]]:
    """The best weights of the finished runs; a result is written again when its test is read."""
    found = {}
    for path in folder.rglob("result.json"):
        weights = path.parent / "checkpoints" / "best.pt"
        if weights.is_file():
            status = weights.stat()
            found[str(weights.relative_to(folder))] = (status.st_ino, status.st_mtime_ns)
    return found


def numbers(folder: Path) -> dict[str, object]:
    advice: Advice | None = read_advice(folder)
    assert advice is not None
    return {name: each for name, each in asdict(advice).items() if name != "minutes"}


@pytest.mark.slow
def test_an_advice_that_is_killed_ten_times_says_the_same(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    lasts = run_to_end(advise_tiny, whole)
    found = kill_often(
        advise_tiny, killed, lasts=lasts, starts=0.5, done=lambda: trained_below(killed)
    )
    assert found.alive >= 5
    assert numbers(killed) == numbers(whole)
