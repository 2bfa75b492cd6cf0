"""Models of scikit-learn with results like those of runs, each fitted once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from plait.experiments.baselines.classical import Classical, Model, classical
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.build import Problem, open_problem
from plait.experiments.config import RunConfig
from plait.runs.resamples import write_resamples
from plait.runs.result import RunResult, read_result, write_result
from plait.training.records import test_event

Results = dict[str, RunResult | NoRow]
TITLES: dict[Model, str] = {
    "linear": "Linear models of scikit-learn, one per task: linear models",
    "trees": "Boosted trees of scikit-learn, one per task: boosted trees",
}


def classical_runs(
    config: RunConfig,
    model: Model,
    folders: Mapping[int, Path],
    *,
    problem: Problem | None = None,
    resamples: int = 0,
    jobs: int = 1,
) -> dict[int, Results]:
    """Fits a model of scikit-learn to each task, unless all were fitted on the same data before.

    Where nothing is drawn, which is nearly always, the models are the same for all seeds, and they
    are fitted once.

    Args:
        config: the settings of the joint network.
        model: "linear", "trees" or "forest"; see `classical`.
        folders: `{seed: folder}`; each gets a folder `MODEL-TASK` for each task, with result.json,
            and resamples.json if there are some.
        problem: the data that were opened for `config`; opened here by default.
        resamples: of the test part, as for networks; 0 for none.
        jobs: threads that grow a forest.

    Returns:
        `{seed: {task: the result, or why there is none}}`.
    """
    problem = problem or open_problem(config)
    tasks = [task.name for task in problem.tasks(config.tasks)]
    found: dict[int, Results] = {}
    made: dict[str, Classical | NoRow] = {}
    for seed, folder in folders.items():
        places = {task: folder / f"{model}-{task}" for task in tasks}
        known = {task: read_result(place) for task, place in places.items()}
        before = {t: r for t, r in known.items() if r is not None and r.data == problem.fingerprint}
        if before.keys() == known.keys():
            found[seed] = dict(before)
            continue
        own = config.model_copy(update={"seed": seed})
        if not made or any(isinstance(each, Classical) and each.drawn for each in made.values()):
            made = classical(own, model, problem=problem, resamples=resamples, jobs=jobs)
        found[seed] = {
            task: one if isinstance(one, NoRow) else _kept(one, places[task], own, problem)
            for task, one in made.items()
        }
    return found


def _kept(one: Classical, place: Path, config: RunConfig, problem: Problem) -> RunResult:
    """Writes the result of one model, last, and returns it."""
    place.mkdir(parents=True, exist_ok=True)
    if one.resamples is not None:
        write_resamples(place, one.resamples)
    result = RunResult(
        seed=config.seed,
        best_epoch=0,
        score=one.score,
        validation=one.validation.metrics,
        test=test_event(one.test),
        tested=one.tested,
        steps=0,
        seconds=one.seconds,
        step_seconds=math.nan,
        parameters=one.parameters,
        size=one.size,
        data=problem.fingerprint,
        started="chosen on validation: " + "; ".join(map(_told, one.chosen)),
    )
    write_result(place, result)
    return result


def _told(chosen: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in chosen.items()) or "nothing"
