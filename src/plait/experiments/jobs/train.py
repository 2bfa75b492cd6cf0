"""Trains many networks, each once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from plait.core.command import command
from plait.core.errors import ConfigError
from plait.experiments.build import Problem
from plait.experiments.jobs.attempt import Outcome, Stopped, attempt
from plait.experiments.jobs.backends import BackendName, backend_of
from plait.experiments.jobs.finished import finished
from plait.experiments.jobs.hold import check_left
from plait.experiments.jobs.once import ORPHANED
from plait.experiments.jobs.pool import Pool
from plait.experiments.jobs.spec import Failure, RunSpec
from plait.runs.result import RunResult
from plait.training import Callback, Interrupted

Say = Callable[[str], object]
MakeCallbacks = Callable[[RunSpec], Sequence[Callback]]


def train(
    specs: Sequence[RunSpec],
    *,
    jobs: int = 1,
    backend: BackendName = "loky",
    say: Say = lambda text: None,
    callbacks: MakeCallbacks = lambda spec: (),
    problem: Problem | None = None,
) -> list[RunResult | Failure]:
    """Trains each network once, in processes side by side; what was trained already is reused.

    A finished run of the same settings on the same data is reused, an interrupted one goes on from
    its last checkpoint; see `finished`. A run that fails stands in the list as a `Failure`, and the
    others go on; it is tried again when the same call is made again.

    With one job and "loky", all is done in this process. Else the runs are tasks of joblib, and
    each worker reads the data once. On this machine each has cores // jobs threads, at least one
    and at most as many as torch has here; with another number of threads, sums are added up in
    another order, so numbers may differ in their last bits. On a cluster all machines need the
    folders of data and runs under the same paths, and threads are as the cluster has them.

    Args:
        specs: the runs, in folders of their own.
        jobs: how many at a time, at least 1; of an own cluster of Dask, it decides itself.
        backend: "loky" for processes of this machine; "dask" or "ray" for a cluster: the one that
            is open, else that of DASK_SCHEDULER_ADDRESS or RAY_ADDRESS, else workers on this
            machine. The latter two need the extras `dask` and `ray`.
        say: is told of each run, in a sentence; with "ray", once all are done.
        callbacks: makes the callbacks of a run, such as a bar of its progress; with one job only.
        problem: of all runs, if it is open; with one job only.

    Returns:
        The result of each run, or why it has none, in the order of `specs`.

    Raises:
        RunExistsError: a folder holds another run (before anything is trained), or another process
            works in it.
        ConfigError: two runs of one folder, no job, or an unknown backend.
        Interrupted: by Ctrl-C, SIGTERM or SIGUSR1; all processes that were started here have ended.
    """
    _check(specs, jobs)
    backend_of(backend)
    found: dict[int, RunResult | Failure] = {}
    for number, spec in enumerate(specs):
        check_left(spec.folder, wait=ORPHANED)
        result = finished(spec, problem)
        if result is not None:
            found[number] = result
    if found:
        say(f"{len(found)} of {len(specs)} runs are finished already, and are not repeated")
    left = {number: spec for number, spec in enumerate(specs) if number not in found}
    names = _names([spec.folder for spec in specs])
    if jobs == 1 and backend == "loky":
        outcomes = _here(left, callbacks, problem)
    else:
        outcomes = Pool(min(jobs, max(1, len(left))), backend).outcomes(left)
    stopped = 0
    try:
        for number, outcome in outcomes if left else ():
            if isinstance(outcome, Stopped):
                stopped = outcome.signal
                continue
            found[number] = outcome
            say(f"{len(found)} of {len(specs)}: {names[number]}, {_told(outcome)}")
    except KeyboardInterrupt as error:
        stopped = error.signal if isinstance(error, Interrupted) else 2
    if stopped:
        raise Interrupted(stopped, go_on=_go_on(len(found), len(specs)))
    return [found[number] for number in range(len(specs))]


def _here(
    specs: Mapping[int, RunSpec], callbacks: MakeCallbacks, problem: Problem | None
) -> Iterator[tuple[int, Outcome]]:
    """Does runs in this process, one after the other; none after one that was interrupted."""
    for number, spec in specs.items():
        outcome = attempt(spec, callbacks(spec), problem)
        yield number, outcome
        if isinstance(outcome, Stopped):
            return


def _check(specs: Sequence[RunSpec], jobs: int) -> None:
    if jobs < 1:
        raise ConfigError(f"`jobs` must be at least 1; found {jobs}.")
    folders = Counter(os.path.abspath(spec.folder) for spec in specs)
    twice = [folder for folder, count in folders.items() if count > 1]
    if twice:
        raise ConfigError(f"two runs have the folder {twice[0]}. Give each its own.")


def _names(folders: Sequence[Path]) -> list[str]:
    """Returns the names of runs: their folders, from the one in which they all are."""
    top = os.path.commonpath([os.path.abspath(each.parent) for each in folders] or ["/"])
    return [os.path.relpath(each, top) for each in folders]


def _told(outcome: RunResult | Failure) -> str:
    if isinstance(outcome, Failure):
        return f"failed: {outcome.reason}"
    return f"{outcome.seconds:.1f} s"


def _go_on(done: int, count: int) -> str:
    return (
        f"{done} of {count} runs are finished and the others go on where they were: give the same "
        f"command again (`{command()}`)"
    )
