"""One run, done once: reused, gone on with, or trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from plait.experiments.build import Problem, open_problem
from plait.experiments.build.problem import ABOUT
from plait.experiments.config import RunConfig
from plait.experiments.jobs.finished import finished
from plait.experiments.jobs.hold import hold
from plait.experiments.jobs.spec import RunSpec
from plait.experiments.run import run
from plait.runs import folder as files
from plait.runs.folder import run_exists
from plait.runs.result import RunResult
from plait.training import Callback

# What a run has written before its first checkpoint, from which nothing can be gone on with.
BEGUN = (
    *(files.CONFIG, files.TRAINER, files.ENVIRONMENT, files.EVENTS),
    *(files.TRANSFER, files.COLUMNS),
)
ORPHANED = 20.0  # seconds in which the processes of a killed command end

_open: dict[str, Problem] = {}  # one: that of the last run of this process


def once(
    spec: RunSpec, callbacks: Sequence[Callback] = (), *, problem: Problem | None = None
) -> RunResult:
    """Returns the result of a run, which is done unless it was done already.

    A run that was interrupted goes on from its last checkpoint; without one it begins anew.

    Args:
        spec: the run.
        callbacks: are told of the training.
        problem: its problem, if it is open; else that of the last run of this process, if it is
            the same and its files have not changed, so that the data are read once.

    Raises:
        RunExistsError: the folder holds another run, or another process works in it.
    """
    with hold(spec.folder, wait=ORPHANED):
        problem = _problem_of(spec.opened_with) if problem is None else problem
        result = finished(spec, problem)
        if result is not None:
            return result
        resume = (spec.folder / files.LAST).is_file()
        if not resume:
            _clear(spec.folder)
        return run(
            spec.config,
            spec.folder,
            callbacks=callbacks,
            resume=resume,
            problem=problem,
            test=spec.test,
            resamples=spec.resamples,
        )


def _problem_of(config: RunConfig) -> Problem:
    """Opens a problem, or returns the one that this process has open, if it is the same."""
    settings = config.described()
    about = json.dumps({name: settings[name] for name in (*ABOUT, "tasks")}, sort_keys=True)
    opened = open_problem(config)  # reads nothing yet
    known = _open.get(about)
    if known is not None and known.fingerprint == opened.fingerprint:
        return known
    _open.clear()
    _open[about] = opened
    return opened


def _clear(folder: Path) -> None:
    """Removes what a run has written before its first checkpoint.

    Raises:
        RunExistsError: there is a trained model, whose checkpoints somebody has taken away.
    """
    if (folder / files.MODEL).exists():
        raise run_exists(folder, "It has a model but no checkpoint. Name another folder.")
    for name in BEGUN:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / Path(files.LAST).parent, ignore_errors=True)
