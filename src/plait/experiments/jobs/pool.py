"""Runs as tasks of joblib, on one machine or a cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from plait.core.extras import need
from plait.core.signals import WARNING
from plait.experiments.jobs.attempt import Outcome, Place, attempt_at
from plait.experiments.jobs.backends import backend_of
from plait.experiments.jobs.spec import Failure, RunSpec
from plait.training import Interrupted
from plait.training.interrupt import Handlers, handling

ENDED = (
    "its process was ended by the system, perhaps for want of memory: the log of the kernel "
    "(`dmesg`) says why. Give it fewer jobs or smaller batches."
)

IDLE = 20  # seconds after which a worker without a run ends, and gives its memory back


class Pool:
    """Does runs in processes of their own, through joblib.

    A run whose process dies, such as for want of memory, is a `Failure`; those that were beside it
    go on from their checkpoints. Ctrl-C, SIGTERM or SIGUSR1 is handed on to the workers of this
    machine, which end with a checkpoint; a second one kills them, but SIGUSR1, which may be
    repeated.

    Args:
        jobs: how many runs at a time, at least 1.
        backend: "loky", "ray" or "dask".
    """

    def __init__(self, jobs: int, backend: str) -> None:
        self.jobs = jobs
        self.name = backend
        self.backend = backend_of(backend)
        self.stopped: int | None = None

    def outcomes(self, specs: Mapping[int, RunSpec]) -> Iterator[tuple[int, Outcome]]:
        """Yields `(number, outcome)` of each run, as they end.

        Raises:
            Interrupted: by a signal, before all were done.
        """
        left = dict(specs)
        with self.backend.cluster(self.jobs) as local, handling(self._stop):
            place = self._place(local)
            while left and self.stopped is None:
                begun: list[int] = []
                try:
                    for number, outcome in self._parallel(left, place, begun):
                        del left[number]
                        yield number, outcome
                except BrokenProcessPool:
                    suspects = {number: left[number] for number in begun if number in left}
                    for number, outcome in self._one_by_one(suspects, place):
                        del left[number]
                        yield number, outcome
        if self.stopped is not None:
            for worker in _workers():  # without a run by now
                worker.terminate()
                worker.join()
            raise Interrupted(self.stopped)

    def _place(self, local: bool) -> Place:
        """Returns the conditions for the workers: on this machine, all cores are divided."""
        joblib = need("joblib", extra="app", purpose="Training several networks at a time")
        threads = max(1, min(torch.get_num_threads(), joblib.cpu_count() // self.jobs))
        return Place(
            folder=Path.cwd(),
            threads=threads if local else None,
            parent=os.getpid() if self.name == "loky" else None,
            path=tuple(os.path.abspath(each) for each in sys.path),
        )

    def _parallel(
        self, specs: Mapping[int, RunSpec], place: Place, begun: list[int]
    ) -> Iterator[tuple[int, Outcome]]:
        """Does runs side by side; `begun` gets the number of each that is handed out."""
        joblib = need("joblib", extra="app", purpose="Training several networks at a time")
        handed = list(specs.items())

        def tasks() -> Iterator[object]:
            for number, spec in handed:
                if self.stopped is not None:
                    return
                begun.append(number)
                yield joblib.delayed(_numbered)(number, spec, place)

        own: dict[str, object] = {}
        if self.name == "loky":
            own = {"inner_max_num_threads": place.threads, "idle_worker_timeout": IDLE}
        # One job would be done in this process, which a run must not take with it
        jobs = max(2, self.jobs) if self.name == "loky" else self.jobs
        with joblib.parallel_config(backend=self.name, n_jobs=jobs, **own):
            parallel = joblib.Parallel(
                return_as="generator_unordered" if self.backend.streams else "list",
                batch_size=1,
                pre_dispatch=self.jobs,
            )
            yield from parallel(tasks())

    def _one_by_one(
        self, suspects: Mapping[int, RunSpec], place: Place
    ) -> Iterator[tuple[int, Outcome]]:
        """Does the runs again of which one has ended its process, to find which."""
        for number, spec in suspects.items():
            if self.stopped is not None:
                return
            try:
                yield from self._parallel({number: spec}, place, [])
            except BrokenProcessPool:
                if self.stopped is None:
                    yield number, Failure(ENDED)

    def _stop(self, number: int, before: Handlers) -> None:
        """Hands the first signal on to the workers of this machine."""
        if number == WARNING and self.stopped is not None:
            return
        self.stopped = number
        for each, handler in before.items():
            if each != WARNING:
                signal.signal(each, handler)
        if self.name != "loky":
            raise Interrupted(number)
        for worker in _workers():
            worker.terminate()


def _workers() -> list[BaseProcess]:
    """Returns the workers of joblib that this process has started."""
    children = multiprocessing.active_children()
    return [each for each in children if type(each).__module__.startswith("joblib.")]


def _numbered(number: int, spec: RunSpec, place: Place) -> tuple[int, Outcome]:
    return number, attempt_at(spec, place)
