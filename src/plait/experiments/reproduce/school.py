"""Exam scores of 139 schools: linear models, with ties and without."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.core.errors import ConfigError, RunExistsError, unknown
from plait.core.typed_json import read_typed, write_typed
from plait.data import Disjoint
from plait.experiments.reproduce.beside import beside
from plait.experiments.reproduce.linear_tasks import LinearTasks, TaskRows, fit_chosen
from plait.experiments.reproduce.published import Column, PublishedTable, Row
from plait.recipes import School
from plait.regularization import MeanRegularized, Regularizer, TaskRelationship, TraceNorm
from plait.runs.reproduced import Reproduced, write_reproduced

STEPS = 80
DIVISIONS = 10  # as in the sources

SCHOOL = PublishedTable(
    name="school",
    title="School: explained variance of exam scores, in per cent",
    source=(
        "Argyriou, Evgeniou, Pontil, Multi-Task Feature Learning, NeurIPS 2006, which has the "
        "figure of Evgeniou, Micchelli, Pontil, Learning Multiple Tasks with Kernel Methods, JMLR "
        "2005, too; the figures are recalled, not read again"
    ),
    settings={"recipe": "school"},
    length=f"{STEPS} steps for each strength, twice as many for the one that was chosen",
    rows=(
        Row(name="single", title="Single-task, no penalty"),
        Row(name="ridge", title="Ridge regression, a model for each school"),
        Row(name="one-for-all", title="One model for all schools"),
        Row(name="mean", title="MeanRegularized: regularised multi-task", published=(34.37,)),
        Row(name="trace", title="TraceNorm: multi-task feature learning", published=(37.1,)),
        Row(name="relationship", title="TaskRelationship"),
    ),
    columns=(Column(title="Explained variance", task="all", metric="explained", factor=100),),
    within=2.0,
    differs=(
        "Ten random divisions of the pupils within each school, 75 % for training as in the "
        "sources; theirs are others. Of these 75 %, a fifth chooses the strength of the penalty.",
        "The regularised multi-task model of the source is a kernel method with another penalty of "
        "the same kind; the trace norm is the convex form of multi-task feature learning.",
    ),
)


@dataclass(frozen=True)
class Method:
    """A row: strengths to choose from, the strongest first, and the tie; None for ridge."""

    strengths: tuple[float, ...]
    tie: Callable[[float], Regularizer] | None = None


def prox(cls: type[Regularizer]) -> Callable[[float], Regularizer]:
    """Returns a maker of a regularizer of the heads that acts by proximal steps."""
    return lambda strength: cls(strength=strength, mode="prox", heads=True)  # type: ignore[call-arg]


def down(first: float, last: float) -> tuple[float, ...]:
    """Returns strengths half a decade apart.

    Example:
        >>> down(1.0, 0.03)
        (1.0, 0.3, 0.1, 0.03)
    """
    ladder = [float(f"{step}e{decade}") for decade in range(2, -7, -1) for step in (3, 1)]
    return tuple(strength for strength in ladder if first >= strength >= last)


METHODS: Mapping[str, Method] = {
    "single": Method((0.0,)),
    "ridge": Method(down(3, 3e-4)),
    "one-for-all": Method((1e6,), prox(MeanRegularized)),
    "mean": Method(down(30, 3e-4), prox(MeanRegularized)),
    "trace": Method(down(10, 3e-4), prox(TraceNorm)),
    "relationship": Method(down(0.3, 3e-5), prox(TaskRelationship)),
}


@dataclass(frozen=True, kw_only=True)
class Division:
    """The figures of all methods on one division of the pupils.

    Attributes:
        steps: of the training.
        explained: `{row: share of the variance of the test scores that is explained}`.
        strengths: `{row: the strength that was chosen}`.
        seconds: of all trainings.
    """

    steps: int
    explained: dict[str, float] = field(default_factory=dict)
    strengths: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def school(
    folder: Path,
    settings: Mapping[str, Any],
    *,
    seeds: int = DIVISIONS,
    command: str = "",
    say: Callable[[str], None] = lambda text: None,
) -> Reproduced:
    """Trains linear models on several divisions of the pupils, and writes the table.

    Divisions that are done, in a folder of an earlier call, are not done again.

    Args:
        folder: for the results.
        settings: `data`, the folder with `school.npz`, and perhaps `steps`.
        seeds: how many divisions.
        command: that was called, for the reader.
        say: is told of each division.

    Raises:
        ConfigError: an unknown setting, or none of the data.
        RunExistsError: the folder holds results of other settings.
    """
    for key in settings:
        if key not in ("data", "steps"):
            raise ConfigError(unknown("setting of school", key, ("data", "steps")))
    if "data" not in settings:
        raise ConfigError("school reads `school.npz`. Name its folder: --data DIR.")
    steps = settings.get("steps", STEPS)
    if not isinstance(steps, int) or steps < 1:
        raise ConfigError(f"`steps` must be a whole number, at least 1; found {steps!r}.")
    found = []
    for number in range(seeds):
        path = folder / "divisions" / f"{number}.json"
        division = _kept(path, steps)
        if division is None:
            division = measure(Path(settings["data"]), number, steps)
            write_typed(path, division)
        say(f"division {number + 1} of {seeds}: {division.seconds:.0f} s")
        found.append(division)
    reproduced = Reproduced(
        name=SCHOOL.name,
        title=SCHOOL.title,
        source=SCHOOL.source,
        differs=list(SCHOOL.differs),
        length=SCHOOL.length if steps == STEPS else f"{steps} steps in place of {STEPS}",
        columns=[column.title for column in SCHOOL.columns],
        within=SCHOOL.within,
        rows=[
            beside(SCHOOL, row, {"test": {"all": {"explained": _row(found, row.name)}}}, seeds)
            for row in SCHOOL.rows
        ],
        seeds=list(range(seeds)),
        command=command,
        seconds=round(math.fsum(division.seconds for division in found), 1),
        settings={"steps": steps},
    )
    write_reproduced(folder, reproduced)
    return reproduced


def measure(data: Path, number: int, steps: int) -> Division:
    """Trains all methods on one division of the pupils, and tests each once."""
    began = time.perf_counter()
    recipe = School(data=data, split=number)
    splits = {name: part for name, part in recipe.splits().items() if isinstance(part, Disjoint)}
    tasks = LinearTasks(recipe, splits)
    both = TaskRows(splits["train"], splits["val"])
    explained, strengths = {}, {}
    for name, method in METHODS.items():
        weights, chosen, _ = fit_chosen(tasks, method.strengths, method.tie, both, steps)
        there = tasks.test.shares > 0
        labels = tasks.test.labels[there]
        error = (tasks.predict(weights, tasks.test)[there] - labels).square().mean()
        explained[name] = float(1 - error / labels.var(correction=0))
        strengths[name] = chosen
    seconds = round(time.perf_counter() - began, 1)
    return Division(steps=steps, explained=explained, strengths=strengths, seconds=seconds)


def _row(divisions: Sequence[Division], name: str) -> list[float]:
    return [division.explained[name] for division in divisions]


def _kept(path: Path, steps: int) -> Division | None:
    if not path.exists():
        return None
    kept = read_typed(Division, path, hint="Remove it, and run the command again.")
    if kept.steps != steps:
        raise RunExistsError(
            f"{path} holds results of {kept.steps} steps; nothing was touched. Name another folder "
            "with --out."
        )
    return kept
