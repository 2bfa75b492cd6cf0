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
from plait.core.launched import ERRORS

KILLED = -signal.SIGKILL


class Ending(NamedTuple):
    """The end of several processes.

    Attributes:
        code: exit code: 0, that of the first process that has failed, or 128 + n of a signal n.
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
    )
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // count))
    _silence()
    with TemporaryDirectory() as errors, _variables({ERRORS: errors, "OMP_NUM_THREADS": threads}):
        try:
            elastic_launch(config, sys.executable)("-m", "plait", *arguments)
        except ChildFailedError as failed:
            return _ending(failed, Path(errors), count)
        except SignalException as received:
            return Ending(128 + int(received.sigval), _reasons(Path(errors)))
    return Ending(0, ())


def _silence() -> None:
    """Keeps the launcher from saying in many lines what is said in one."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _ending(failed: ChildFailedError, errors: Path, count: int) -> Ending:
    """Returns the ending of the process that failed first: no other one's, which it has lost."""
    found = {rank: failure.exitcode for rank, failure in failed.failures.items()}
    killed = [rank for rank, code in found.items() if code == KILLED]
    own = [rank for rank, code in found.items() if code != LostProcessError.exit_code]
    rank = next(iter(killed or own or found))
    code, said = found[rank], _reasons(errors, str(rank))
    if code < 0 and not said:
        name = signal.Signals(-code).name
        said = (f"process {rank} of {count} (from 0) was ended by {name}",)
    return Ending(128 - code if code < 0 else code, said)


def _reasons(errors: Path, *ranks: str) -> tuple[str, ...]:
    """Returns the reasons that processes have left, each once; of all of them by default."""
    found = [path for path in sorted(errors.iterdir()) if not ranks or path.name in ranks]
    return tuple(dict.fromkeys(path.read_text(encoding="utf-8") for path in found))


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
