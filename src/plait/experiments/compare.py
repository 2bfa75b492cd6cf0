"""Did joint training help? One joint run against one single-task run for each task."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plait.core.files import write_text
from plait.evaluation import changes, delta_m
from plait.experiments.build import open_problem
from plait.experiments.config import Method, RunConfig
from plait.experiments.run import Result, run
from plait.runs import check_free
from plait.tasks import BaseTask
from plait.tasks.metrics import direction
from plait.training import Callback

MakeCallbacks = Callable[[str], Sequence[Callback]]


@dataclass(frozen=True)
class Row:
    """One metric of one task: the constant predictor, the single-task model, the joint model.

    `change` is the gain of the joint over the single-task model in per cent; positive is better.
    """

    task: str
    metric: str
    higher_is_better: bool
    trivial: float
    single: float
    joint: float
    change: float


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; `comparison.json` is this."""

    title: str
    note: str
    joint: str
    single: dict[str, str]
    rows: list[Row]
    delta_m: float
    seconds: dict[str, Any]
    parameters: dict[str, int]


def compare(
    config: RunConfig, folder: Path, *, title: str, callbacks: MakeCallbacks = lambda label: ()
) -> Comparison:
    """Trains the joint network, then one network per task with the same budget; compares them.

    All networks get the same encoder (from the same first weights), heads, data, epochs, batch
    size and optimizer. Each takes its best epoch by its own tasks on the validation split; the
    test split is read once by each. A single-task network is one encoder and head, trained on the
    plain loss of its task: what shares, ties, connects and balances is for several tasks.

    Args:
        config: the settings of the joint run; the single-task runs have one task each of it.
        folder: gets a run folder `joint`, one `single-TASK` for each task, and comparison.json.
        title: of the report.
        callbacks: makes the callbacks of each run from its name.

    Raises:
        RunExistsError: the folder holds a run already; nothing in it was touched.
    """
    tasks = tasks_of(config)
    single = {task: f"single-{task}" for task in tasks}
    check_free(folder, ["joint", *single.values()])
    joint = run(config, folder / "joint", callbacks=callbacks("joint"))
    apart = {
        task: run(alone(config, task), folder / name, callbacks=callbacks(f"{task} alone"))
        for task, name in single.items()
    }
    comparison = _comparison(config, tasks, title, single, apart, joint)
    write_text(folder / "comparison.json", json.dumps(asdict(comparison), indent=2) + "\n")
    return comparison


def tasks_of(config: RunConfig) -> dict[str, BaseTask]:
    """Returns the tasks of a run by name."""
    return {task.name: task for task in open_problem(config).tasks(config.tasks)}


def alone(config: RunConfig, task: str) -> RunConfig:
    """Returns the settings of a single-task run; a rule on another task's metric becomes skill."""
    other = config.rule.rpartition("/")[0] not in ("", task)
    changed = {
        "tasks": [task],
        "weights": {},
        "balancing": Method.model_validate("Equal"),
        "sharing": Method.model_validate("Hard"),
        "regularization": None,
        "connections": None,
        "start_from": [],
        "freeze": [],
        "rule": "skill" if other else config.rule,
    }
    return config.model_copy(update=changed)


def _comparison(
    config: RunConfig,
    tasks: Mapping[str, BaseTask],
    title: str,
    single: dict[str, str],
    apart: Mapping[str, Result],
    joint: Result,
) -> Comparison:
    scores = {task: apart[task].test.metrics[task] for task in single}
    gains = changes(tasks, joint.test.metrics, scores)
    rows = [
        Row(
            task,
            metric,
            direction(f"{task}/{metric}", made),
            joint.test.trivial[task][metric],
            scores[task][metric],
            joint.test.metrics[task][metric],
            gains[task][metric],
        )
        for task in single
        for metric, made in tasks[task].metric_prototypes.items()
    ]
    return Comparison(
        title=title,
        note=f"Seed {config.seed}, one run each: {config.epochs} epochs, batch size "
        f"{config.batch_size}, the same encoder and first weights. Metrics are on the test split. "
        "One seed shows no spread: small differences may be chance.",
        joint="joint",
        single=single,
        rows=rows,
        delta_m=delta_m(gains),
        seconds={
            "joint": joint.seconds,
            "single": {task: result.seconds for task, result in apart.items()},
        },
        parameters={
            "joint": joint.parameters,
            "single": sum(result.parameters for result in apart.values()),
        },
    )
