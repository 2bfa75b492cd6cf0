"""Fixed weights that a balancer has found: the means of its late ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from plait.experiments.baselines.no_row import NoRow
from plait.experiments.build import Problem, open_problem
from plait.experiments.config import RunConfig, read_run
from plait.runs.logged import steps_of
from plait.runs.result import read_result

PLAIN = "Equal"  # the balancer that has no weights of its own


@dataclass(frozen=True)
class LateWeights:
    """The late weights of the best balancer, as fixed weights.

    Attributes:
        member: the name of the member that the balancer is of.
        score: its score on the validation split, the mean over the seeds.
        weights: `{task: weight}`, mean 1 over the tasks.
        settings: to be laid on those of a run: the weights, with the plain sum as balancer.
    """

    member: str
    score: float
    weights: dict[str, float]
    settings: dict[str, Any]


def late_weights(folder: Path) -> dict[str, float]:
    """Returns the weights of a run's tasks in the last half of its steps, mean 1 over the tasks.

        w_t = T v_t / sum_s v_s,    v_t = mean over the steps with labels of task t of its weight

    Args:
        folder: of a run; its log is read. Steps that were skipped do not count.

    Returns:
        `{task: weight}`; empty for a balancer that has no weights, or whose mean weights are not
        all positive, so that they are none of losses.

    Example: of a log with the weights 9 and 9, then 3 and 1, the last half counts.
        >>> import tempfile
        >>> from plait.runs import EventLog, Step, Tasks
        >>> step = {"epoch": 0, "lr": 0.1, "seconds": 1.0, "gradient_norm": 1.0}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = EventLog(Path(folder) / "events.jsonl")
        ...     log.write(Tasks(names=["a", "b"]))
        ...     log.write(Step(step=1, losses=[1.0, 1.0], weights=[9.0, 9.0], **step))
        ...     log.write(Step(step=2, losses=[1.0, 1.0], weights=[3.0, 1.0], **step))
        ...     _ = log.flush()
        ...     late_weights(Path(folder))
        {'a': 1.5, 'b': 0.5}
    """
    steps = steps_of(folder)
    half = steps.step[-1] / 2 if len(steps) else 0
    taken = np.array([why is None for why in steps.skipped], dtype=bool)
    late = steps.weights[taken & (steps.step > half)]
    found = {task: _known(steps.of(late, task)) for task in steps.names}
    means = {task: fmean(each) for task, each in found.items() if each}
    if not all(0 < each < math.inf for each in means.values()):
        return {}
    return _with_mean_one(means)


def _known(column: np.ndarray) -> list[float]:
    known: list[float] = column[~np.isnan(column)].tolist()
    return known


def best_late_weights(
    config: RunConfig,
    members: Mapping[str, Sequence[Path]],
    *,
    problem: Problem | None = None,
) -> LateWeights | NoRow:
    """Finds the best balancer of a comparison on validation, and fixes its late weights.

    The weights of several seeds are averaged. They multiply the static weights of the member, if it
    has some.

    Args:
        config: the settings of the joint network.
        members: `{name: run folder of each seed}`. Those that are not finished, have the plain sum
            as balancer, or one without positive weights, are passed over.
        problem: the data that were opened for `config`; opened here by default.

    Reference: Gama, Grassi, "Unitary Scalarization vs. Specialized Multi-task Optimizers", arXiv
        2505.10347, 2025, where such weights compete.
    """
    problem = problem or open_problem(config)
    tasks = [task.name for task in problem.tasks(config.tasks)]
    scores = {name: _mean_score(folders) for name, folders in members.items()}
    known = [name for name, score in scores.items() if not math.isnan(score)]
    for name in sorted(known, key=lambda each: -scores[each]):
        found = [_with_static(folder, problem) for folder in members[name]]
        if all(each.keys() == set(tasks) for each in found):
            mean = {task: fmean(each[task] for each in found) for task in tasks}
            weights = {task: float(f"{weight:.4g}") for task, weight in mean.items()}
            return LateWeights(name, scores[name], weights, _settings(weights, problem))
    return NoRow("no finished member has a balancer with positive weights of its own.")


def _settings(weights: Mapping[str, float], problem: Problem) -> dict[str, Any]:
    absent = [task.name for task in problem.recipe.tasks() if task.name not in weights]
    own = {task: {"weight": weight} for task, weight in weights.items()}
    return {"tasks": {**dict.fromkeys(absent), **own}, "balancing": PLAIN}


def _mean_score(folders: Sequence[Path]) -> float:
    """Returns the mean score of runs on validation; NaN if one is not finished."""
    results = [read_result(folder) for folder in folders]
    known = [result.score for result in results if result is not None]
    return fmean(known) if known and len(known) == len(results) else math.nan


def _with_static(folder: Path, problem: Problem) -> dict[str, float]:
    """Returns the late weights of a run times its static ones; empty if it has none to fix."""
    config = read_run(folder)
    if config.balancing.name == PLAIN:
        return {}
    static = {task.name: task.weight for task in problem.tasks(config.tasks)}
    found = late_weights(folder)
    return _with_mean_one({t: w * static[t] for t, w in found.items()})


def _with_mean_one(weights: Mapping[str, float]) -> dict[str, float]:
    total = math.fsum(weights.values())
    return {task: len(weights) * weight / total for task, weight in weights.items()}
