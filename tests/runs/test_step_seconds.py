"""The time of a step, from made-up logs."""

import math
from pathlib import Path

import pytest

from plait.runs import Step, Tasks, Warned
from plait.runs.encoding import encode
from plait.runs.folder import EVENTS
from plait.runs.step_seconds import step_seconds


def log(folder: Path, *steps: tuple[int, float], tasks: int = 1) -> Path:
    """Writes steps as `(epoch, seconds)`."""
    with (folder / EVENTS).open("w") as file:
        file.write(encode(Tasks(names=[f"t{number}" for number in range(tasks)])) + "\n")
        file.write(encode(Warned(step=0, text="x")) + "\n")
        for number, (epoch, seconds) in enumerate(steps, start=1):
            event = Step(
                step=number,
                epoch=epoch,
                lr=0.1,
                seconds=seconds,
                losses=[0.5] * tasks,
                gradient_norm=None,
            )
            file.write(encode(event) + "\n")
    return folder


def test_evaluations_between_epochs_do_not_count(tmp_path: Path) -> None:
    folder = log(tmp_path, (0, 1.0), (0, 1.5), (0, 2.0), (1, 9.0), (1, 9.2))
    assert step_seconds(folder) == pytest.approx((1.0 + 0.2) / 3)


@pytest.mark.parametrize("tasks", [32, 33])
def test_the_number_of_tasks_does_not_matter(tmp_path: Path, tasks: int) -> None:
    folder = log(tmp_path, (0, 1.0), (0, 1.5), (0, 2.5), tasks=tasks)
    assert step_seconds(folder) == 0.75


def test_of_single_steps_nothing_is_known(tmp_path: Path) -> None:
    assert math.isnan(step_seconds(log(tmp_path, (0, 1.0), (1, 2.0))))
