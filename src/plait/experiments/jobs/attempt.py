"""A run as a task of joblib: whatever happens to it comes back as a value."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import chdir, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from plait.core.errors import PlaitError
from plait.core.plain_warnings import plain_warnings
from plait.experiments.build import Problem
from plait.experiments.jobs.once import once
from plait.experiments.jobs.spec import Failure, RunSpec
from plait.runs.result import RunResult
from plait.training import Callback, Interrupted
from plait.training.interrupt import handling

LOOK = 0.5  # seconds between two looks at the parent
LAST_WORDS = 20.0  # seconds for a checkpoint, once the parent is gone

_one_at_a_time = threading.Lock()  # a worker of Dask may have several threads, torch has one seed
_watched: set[int] = set()


@dataclass(frozen=True)
class Stopped:
    """A run that was interrupted by a signal, after a checkpoint if it was training.

    Attributes:
        signal: its number.
    """

    signal: int


Outcome = RunResult | Failure | Stopped


@dataclass(frozen=True)
class Place:
    """The conditions under which a worker does its runs.

    Attributes:
        folder: the working directory, from which relative paths are read.
        threads: of torch; None leaves them as they are.
        parent: the process that the worker must not outlive; None for none.
        path: where Python looks for modules, such as one with a recipe of the user's own.
    """

    folder: Path
    threads: int | None = None
    parent: int | None = None
    path: tuple[str, ...] = ()


def attempt(
    spec: RunSpec, callbacks: Sequence[Callback] = (), problem: Problem | None = None
) -> Outcome:
    """Does a run, and returns its result, or why it has none."""
    try:
        with handling(_interrupt), plain_warnings("/".join(spec.folder.parts[-2:])):
            return once(spec, callbacks, problem=problem)
    except KeyboardInterrupt as error:
        return Stopped(error.signal if isinstance(error, Interrupted) else signal.SIGINT)
    except PlaitError as error:
        return Failure(str(error))
    except Exception as error:  # of a method or a recipe: the other runs go on, and it is told
        return Failure(f"{type(error).__name__}: {error}", trace=traceback.format_exc())


def attempt_at(spec: RunSpec, place: Place) -> Outcome:
    """Does a run in a worker, and returns its result, or why it has none."""
    with _one_at_a_time:
        if place.parent is not None:
            end_with(place.parent)
        sys.path.extend(each for each in place.path if each not in sys.path)
        if place.threads is not None:
            torch.set_num_threads(place.threads)
        if multiprocessing.current_process().daemon:  # it may start no readers of data
            spec = replace(spec, config=spec.config.model_copy(update={"workers": 0}))
        with chdir(place.folder) if place.folder.is_dir() else nullcontext():
            try:
                return attempt(spec)
            except KeyboardInterrupt:  # a second signal, while the first was being obeyed
                return Stopped(signal.SIGTERM)


def _interrupt(number: int, before: object) -> None:
    """Lets SIGTERM interrupt as Ctrl-C does, where training does not listen to it."""
    raise Interrupted(number)


def end_with(parent: int) -> None:
    """Ends this process, after a checkpoint, soon after its parent has ended, however that was."""
    if parent in _watched:
        return
    _watched.add(parent)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(LAST_WORDS)
        os._exit(1)

    threading.Thread(target=watch, name="plait: end with the parent", daemon=True).start()
