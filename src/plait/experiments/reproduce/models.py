"""Rows of scikit-learn's models, each fitted once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plait.experiments.baselines.classical import Model
from plait.experiments.baselines.classical_runs import classical_runs
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.build import Problem
from plait.experiments.config import RunConfig
from plait.runs.comparison_member import SeedScores
from plait.runs.result import RunResult


@dataclass(frozen=True, kw_only=True)
class ModelScores:
    """The results of one of scikit-learn's models on all tasks.

    Attributes:
        scores: `{split: {task: {metric: a value per seed}}}`; empty where a task has no model.
        failed: why a task has no model; "" where all have one.
        seconds: of all fits.
    """

    scores: dict[str, SeedScores] = field(default_factory=dict)
    failed: str = ""
    seconds: float = 0.0


def model_scores(
    config: RunConfig, model: Model, seeds: Sequence[int], folder: Path, *, problem: Problem
) -> ModelScores:
    """Fits a model to each task with each seed, unless that was done before.

    Args:
        config: the settings of the table.
        model: which; one that draws nothing is fitted once for all seeds.
        seeds: of the fits.
        folder: gets a folder for each seed.
        problem: the data that were opened for `config`.
    """
    folders = {seed: folder / f"seed-{seed}" for seed in seeds}
    found = classical_runs(config, model, folders, problem=problem)
    fits: list[dict[str, RunResult]] = []
    for results in found.values():
        for task, result in results.items():
            if isinstance(result, NoRow):
                return ModelScores(failed=f"{task}: {result.reason}")
        fits.append({t: each for t, each in results.items() if isinstance(each, RunResult)})
    once = {(task, result.seconds) for fit in fits for task, result in fit.items()}
    seconds = math.fsum(each for _, each in once)
    scores = {
        "validation": _by_seed(fits, "validation"),
        "test": _by_seed(fits, "test"),
    }
    return ModelScores(scores=scores, seconds=round(seconds, 1))


def _by_seed(fits: Sequence[dict[str, RunResult]], split: str) -> SeedScores:
    rows = [{task: _metrics(result, split)[task] for task, result in fit.items()} for fit in fits]
    return {
        task: {metric: [row[task][metric] for row in rows] for metric in metrics}
        for task, metrics in rows[0].items()
    }


def _metrics(result: RunResult, split: str) -> dict[str, dict[str, float]]:
    return result.test.metrics if split == "test" else result.validation
