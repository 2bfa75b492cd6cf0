"""The diagnosis of a run folder, or of a configuration after a short training."""

from __future__ import annotations

import math
import shlex
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Literal

from plait.balancing.base import Balancer
from plait.core.batch import Batch
from plait.core.families import FAMILIES
from plait.data.passes import batches_in
from plait.experiments.build import Job, Problem, build_job, open_problem
from plait.experiments.build.first_batches import first_batches
from plait.experiments.build.methods import method
from plait.experiments.build.optimizer import optimizer_arguments
from plait.experiments.config import RunConfig, read_run
from plait.experiments.diagnosis.diagnose import BATCHES, SECONDS, diagnose
from plait.experiments.diagnosis.from_log import read_log
from plait.experiments.forecast import StepSettings, all_balancers
from plait.experiments.jobs import RunSpec
from plait.experiments.jobs.once import once
from plait.model.folder import load_state, read_model
from plait.runs.diagnosis import Diagnosis, Grouping, write_diagnosis
from plait.runs.folder import CONFIG, MODEL, check_run
from plait.runs.result import read_result
from plait.training import Callback
from plait.training.options import GroupOptions
from plait.training.windows import steps_per_epoch

STEPS = 200  # of the short training of a configuration
MINUTES = 2.0  # that it takes at most
SEEDS = 3  # of a check
MEASURED = 50  # steps of it whose gradients are compared
NAMED = 12  # tasks up to which the command of a check is written


def diagnose_run(
    folder: Path,
    *,
    most: int = BATCHES,
    forecast_seconds: float | None = SECONDS,
    problem: Problem | None = None,
    source: Literal["run", "config"] = "run",
    title: str = "",
    full: RunConfig | None = None,
) -> Diagnosis:
    """Diagnoses a trained run on its own training data, and writes RUN/diagnosis.json.

    Nothing of its test split is evaluated.

    Args:
        folder: of the run.
        most: training batches that are measured.
        forecast_seconds: see `plait.experiments.forecast.forecast`; None makes no forecast.
        problem: its data, if they were opened before.
        source: see `Diagnosis`.
        title: of the diagnosis; the folder by default.
        full: the settings of the training that a proposal would take; those of the run by default.

    Raises:
        ConfigError: the folder holds no trained run of the command line.
        DataError: its data are missing or have changed.
    """
    check_run(folder)
    config = read_run(folder)
    job = build_job(config, folder, resume=True, problem=problem)
    model = job.trainer.model
    _, state = read_model(folder / MODEL)
    load_state(model, state, folder / MODEL)
    chosen = {} if forecast_seconds is None else _balancers(config)
    logged, result = read_log(folder, list(model.tasks)), read_result(folder)
    batches, loading = timed(islice(first_batches(job), most))
    settings = replace(
        settings_of(config, job),
        measure_every=(full or config).measure_every,
        loading=0.0 if config.workers else loading,  # which read while a step is taken
    )
    found = diagnose(
        model,
        batches,
        most=most,
        settings=settings,
        balancers=chosen,
        forecast_seconds=forecast_seconds or SECONDS,
        logged=logged,
        source=source,
        title=title or str(folder),
        steps=logged.steps,
    )
    if found.grouping is not None:
        step = math.nan if result is None else result.step_seconds
        checked = _check(found, full or config, job, step, folder)
        found = replace(found, grouping=checked)
        found = _said_again(found)
    write_diagnosis(folder, found)
    return found


def diagnose_config(
    config: RunConfig,
    folder: Path,
    *,
    steps: int = STEPS,
    minutes: float = MINUTES,
    title: str = "",
    callbacks: Sequence[Callback] = (),
    most: int = BATCHES,
    forecast_seconds: float | None = SECONDS,
    problem: Problem | None = None,
) -> Diagnosis:
    """Trains a configuration for a short while, and diagnoses that run.

    Its gradients are compared in 50 of the steps. The test split is left alone.

    Args:
        config: the settings.
        folder: of the short training, which goes on there if it was interrupted.
        steps: of it, to the end of an epoch.
        minutes: that it takes at most.
        title: of the diagnosis.
        callbacks: are told of the training.
        most: see `diagnose_run`.
        forecast_seconds: likewise.
        problem: likewise.

    Raises:
        RunExistsError: the folder holds another run.
        ConfigError: settings that make no sense.
    """
    problem = open_problem(config) if problem is None else problem
    job = build_job(config, folder, problem=problem)
    batches = batches_in(job.loaders["train"])
    each = None
    if batches is not None:
        each = steps_per_epoch(batches, job.trainer.options.accumulate, job.trainer.balancer)
    epochs = 1 if each is None else max(1, min(config.epochs, math.ceil(steps / each)))
    taken = steps if each is None else epochs * each
    short = config.model_copy(
        update={
            "epochs": epochs,
            "minutes": min(minutes, config.minutes or minutes),
            "measure_every": config.measure_every or max(1, taken // MEASURED),
            "gallery": 0,
        }
    )
    once(RunSpec(short, folder, problem=config, test=False), callbacks, problem=problem)
    return diagnose_run(
        folder,
        most=most,
        forecast_seconds=forecast_seconds,
        problem=problem,
        source="config",
        title=title,
        full=config,
    )


def settings_of(config: RunConfig, job: Job) -> StepSettings:
    """Returns the settings of a run's steps."""
    made: dict[str, Any] = optimizer_arguments(config.optimizer)
    make = made.pop("optimizer")
    return StepSettings.of(job.trainer, make, GroupOptions(**made))


def timed(batches: Iterable[Batch]) -> tuple[list[Batch], float]:
    """Returns the batches, and the median of the seconds that each but the first has taken."""
    found: list[Batch] = []
    marks: list[float] = []
    for batch in batches:
        found.append(batch)
        marks.append(time.perf_counter())
    taken = [after - before for before, after in pairwise(marks)]
    return found, statistics.median(taken) if taken else 0.0


def _balancers(config: RunConfig) -> Mapping[str, Balancer]:
    """Returns a balancer of each class, that of the run with its own options."""
    own = method(config.balancing, FAMILIES["balancing"])
    return {**all_balancers(), type(own).__name__: own}


def _said_again(found: Diagnosis) -> Diagnosis:
    """Returns the diagnosis with sentences that know what a check costs."""
    from plait.experiments.diagnosis.words import advice, sentences

    return replace(found, sentences=sentences(found), advice=advice(found))


def _check(
    found: Diagnosis, config: RunConfig, job: Job, step_seconds: float, folder: Path
) -> Grouping:
    """Returns the grouping with the time of a check, and its commands."""
    grouping = found.grouping
    assert grouping is not None
    if len(grouping.groups) < 2:
        return grouping
    batches = batches_in(job.loaders["train"])
    seconds = None
    if batches is not None and math.isfinite(step_seconds):
        each = steps_per_epoch(batches, job.trainer.options.accumulate, job.trainer.balancer)
        seconds = SEEDS * len(grouping.groups) * config.epochs * each * step_seconds
    commands = []
    for group in grouping.groups if len(found.tasks) <= NAMED else ():
        others = [shlex.quote(f"tasks.{t}=null") for t in found.tasks if t not in group.tasks]
        commands.append(f"plait train {shlex.quote(str(folder / CONFIG))} {' '.join(others)}")
    return replace(grouping, check_seconds=seconds, check="; ".join(commands))
