"""The time of a step, from made-up logs."""

import math
from pathlib import Path

import pytest

from plait.runs import Step, Warned
from plait.runs.events import encode
from plait.runs.folder import EVENTS
from plait.runs.step_seconds import step_seconds


def log(folder: Path, *steps: tuple[int, float]) -> Path:
    """Writes steps as `(epoch, seconds)`."""
    with (folder / EVENTS).open("w") as file:
        file.write(encode(Warned(step=0, text="x")) + "\n")
        for number, (epoch, seconds) in enumerate(steps, start=1):
            event = Step(
                step=number, epoch=epoch, lr=0.1, seconds=seconds, losses={}, gradient_norm=None
            )
            file.write(encode(event) + "\n")
    return folder


def test_evaluations_between_epochs_do_not_count(tmp_path: Path) -> None:
    folder = log(tmp_path, (0, 1.0), (0, 1.5), (0, 2.0), (1, 9.0), (1, 9.2))
    assert step_seconds(folder) == pytest.approx((1.0 + 0.2) / 3)


def test_of_single_steps_nothing_is_known(tmp_path: Path) -> None:
    assert math.isnan(step_seconds(log(tmp_path, (0, 1.0), (1, 2.0))))
