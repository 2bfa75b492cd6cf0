"""Several processes of this machine that run one command together."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from plait.core.errors import LostProcessError
from plait.core.launched import ERRORS, Left, last_words
from plait.core.signals import HEARD, exit_code

LOST = LostProcessError.exit_code
KILLED = -signal.SIGKILL
GRACE = 30  # seconds that torch gives processes to end after SIGTERM, before SIGKILL
HANDED_ON = ",".join([*(each.name for each in HEARD), "SIGHUP", "SIGQUIT"])


class Ending(NamedTuple):
    """The end of several processes.

    Attributes:
        code: exit code: 0, that of the process that is the reason, or 128 + n of a signal n.
        reasons: why, as far as processes have said it.
    """

    code: int
    reasons: tuple[str, ...]


def launch(arguments: Sequence[str], count: int) -> Ending:
    """Runs `plait` in several processes of this machine, as torchrun does, and waits for them.

    A signal to this process goes to all of them; where one fails, the others are ended, by SIGTERM
    and 30 seconds later by SIGKILL.

    Args:
        arguments: the words after `plait`.
        count: the number of processes.
    """
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        signals_to_handle=HANDED_ON,
    )
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // count))
    _silence()
    with TemporaryDirectory() as errors, _variables({ERRORS: errors, "OMP_NUM_THREADS": threads}):
        try:
            elastic_launch(config, sys.executable)("-m", "plait", *arguments)
        except ChildFailedError as failed:
            return _ending(failed, Path(errors), count)
        except SignalException as received:
            said = last_words(Path(errors))
            known = [each for each in said if each.code != LOST]
            return Ending(exit_code(received.sigval), _reasons(known or said))
    return Ending(0, ())


def _silence() -> None:
    """Keeps the launcher from saying in many lines what is said in one."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _ending(failed: ChildFailedError, errors: Path, count: int) -> Ending:
    """Returns the ending of the process that is the reason of all; the others have lost it.

    It is the one that first said why it ends, and not that it has lost another. Where none did, it
    is one that has ended without a word, by a signal that it did not get from here.
    """
    said, failures = last_words(errors), failed.failures
    for each in said:
        if each.code != LOST:
            return Ending(each.code, _reasons([each]))
    first = next(iter(failures))  # what has ended before any was ended from here
    began = failures[first].timestamp
    late = {rank for rank, each in failures.items() if each.timestamp - began >= GRACE - 1}
    hung = sorted(rank for rank in late if failures[rank].exitcode == KILLED)
    ended = {rank for rank, each in failures.items() if each.exitcode == -signal.SIGTERM} - {first}
    silent = failures.keys() - {each.rank for each in said} - late - ended
    if not silent:
        told = [f"process {rank} of {count} (from 0) hung, and was ended" for rank in hung]
        return Ending(LOST, (*_reasons(said[:1]), *told))
    rank = min(silent)
    code = failures[rank].exitcode
    if code >= 0:
        return Ending(code, ())
    name = signal.Signals(-code).name
    return Ending(128 - code, (f"process {rank} of {count} (from 0) was ended by {name}",))


def _reasons(said: Sequence[Left]) -> tuple[str, ...]:
    """Returns the reasons that processes have left, each once."""
    return tuple(dict.fromkeys(each.reason for each in said if each.reason))


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the environment while its body runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
