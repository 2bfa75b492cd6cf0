"""The three ways in which tasks share information, side by side with single-task networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plait.core.files import write_text
from plait.evaluation import changes, delta_m
from plait.experiments.compare import MakeCallbacks, alone, tasks_of
from plait.experiments.config import RunConfig, validate
from plait.experiments.overrides import merge
from plait.experiments.run import Result, run
from plait.runs import check_free
from plait.tasks import BaseTask
from plait.tasks.metrics import direction


@dataclass(frozen=True, eq=False)
class Member:
    """One way of sharing: its name, what it minimises, and the settings that make it."""

    name: str
    formula: str
    folder: str
    settings: Mapping[str, Any]


MEMBERS = (
    Member(
        "Shared parameters: Hard",
        "min sum_t L_t, one encoder for all tasks",
        "shared",
        {"sharing": "Hard"},
    ),
    Member(
        "Inter-task regularisation: PairwiseL2",
        "min sum_t L_t + lambda sum_{s<t} |theta_s - theta_t|^2, one network per task",
        "tied",
        {
            "sharing": "Separate",
            "regularization": {"class": "PairwiseL2", "strength": 1e-3},
        },
    ),
    Member(
        "Inter-task connections: CrossStitch",
        "min sum_t L_t, x_t <- sum_s alpha_st x_s after each stage, one network per task",
        "connected",
        {"sharing": "Separate", "connections": "CrossStitch"},
    ),
)


@dataclass(frozen=True)
class FamilyRun:
    """A joint run: where it is, what it cost, and its mean gain over single-task networks."""

    name: str
    formula: str
    folder: str
    seconds: float
    parameters: int
    delta_m: float


@dataclass(frozen=True)
class FamilyRow:
    """One metric of one task; `values` and `changes` (per cent, positive is better) by run."""

    task: str
    metric: str
    higher_is_better: bool
    trivial: float
    single: float
    values: dict[str, float]
    changes: dict[str, float]


@dataclass(frozen=True)
class Families:
    """What `compare_families` found; `families.json` is this."""

    title: str
    note: str
    baseline: str
    runs: list[FamilyRun]
    single: dict[str, str]
    rows: list[FamilyRow]
    seconds: dict[str, dict[str, float]]
    parameters: dict[str, int]


def compare_families(
    settings: Mapping[str, Any],
    folder: Path,
    *,
    title: str,
    callbacks: MakeCallbacks = lambda label: (),
) -> Families:
    """Trains one network per task alone, then one member of each family, with the same budget.

    All get the same encoder (from the same first weights), heads, data, epochs, batch size and
    optimizer, and the plain sum of the losses; the test split is read once by each.

    Args:
        settings: of every run; what makes a family its own is laid on them.
        folder: gets a run folder for each run, and families.json.
        title: of the report.
        callbacks: makes the callbacks of each run from its name.

    Raises:
        RunExistsError: the folder holds a run already; nothing in it was touched.
        ConfigError: settings that make no sense.
    """
    config = validate(settings)
    tasks = tasks_of(config)
    single = {task: f"single-{task}" for task in tasks}
    check_free(folder, [*single.values(), *(member.folder for member in MEMBERS)])
    each = {member: validate(merge(settings, member.settings)) for member in MEMBERS}
    apart = {
        task: run(alone(config, task), folder / name, callbacks=callbacks(f"{task} alone"))
        for task, name in single.items()
    }
    joint = {
        member: run(own, folder / member.folder, callbacks=callbacks(member.folder))
        for member, own in each.items()
    }
    found = _families(config, tasks, title, single, apart, joint)
    write_text(folder / "families.json", json.dumps(asdict(found), indent=2) + "\n")
    return found


def _families(
    config: RunConfig,
    tasks: Mapping[str, BaseTask],
    title: str,
    single: dict[str, str],
    apart: Mapping[str, Result],
    joint: Mapping[Member, Result],
) -> Families:
    scores = {task: apart[task].test.metrics[task] for task in tasks}
    gains = {m: changes(tasks, result.test.metrics, scores) for m, result in joint.items()}
    rows = [
        FamilyRow(
            task,
            metric,
            direction(f"{task}/{metric}", made),
            apart[task].test.trivial[task][metric],
            scores[task][metric],
            {m.folder: result.test.metrics[task][metric] for m, result in joint.items()},
            {m.folder: gains[m][task][metric] for m in joint},
        )
        for task, own in tasks.items()
        for metric, made in own.new_metrics().items()
    ]
    return Families(
        title=title,
        note=f"Seed {config.seed}, one run each: {config.epochs} epochs, batch size "
        f"{config.batch_size}, the same encoder and first weights, the plain sum of the losses. "
        "Metrics are on the test split. One seed shows no spread: small differences may be chance.",
        baseline="single",
        runs=[
            FamilyRun(m.name, m.formula, m.folder, r.seconds, r.parameters, delta_m(gains[m]))
            for m, r in joint.items()
        ],
        single=single,
        rows=rows,
        seconds={"single": {task: result.seconds for task, result in apart.items()}},
        parameters={"single": sum(result.parameters for result in apart.values())},
    )
