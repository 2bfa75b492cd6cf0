"""Single-task networks of the tiny problem, trained for a moment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.experiments import RunConfig, open_problem, run, validate, with_defaults
from plait.experiments.comparison.single import alone
from tests.experiments.tiny import TINY

TASKS = ("quarter", "mask", "spot")


def settings(**given: Any) -> RunConfig:
    """The settings of a joint network."""
    return validate(with_defaults({"recipe": TINY, "epochs": 1, "gallery": 0, **given}))


def train_alone(config: RunConfig, folder: Path, tasks: tuple[str, ...] = TASKS) -> dict[str, Path]:
    """Trains a network of each task; returns `{task: its run folder}`."""
    problem = open_problem(config)
    for task in tasks:
        run(alone(config, task, tasks), folder / task, problem=problem)
    return {task: folder / task for task in tasks}


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two states have equal entries."""
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)
