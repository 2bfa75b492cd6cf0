"""Kills a command at random instants and starts it again; what it has finished must stay finished.

A command is a function of a test module. It runs in a process of its own group, which is forked
from one that has imported plait, so that most kills meet work and not imports; with all that it has
started, it is killed by SIGKILL, which no process can catch.

    lasts = run_to_end(compare_tiny, undisturbed)
    kill_often(compare_tiny, killed, lasts=lasts, done=lambda: results_below(killed))
    assert numbers(killed) == numbers(undisturbed)
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LONGEST = 300.0  # seconds after which a command hangs
LOADED = (
    *("plait.cli", "plait.experiments.jobs", "plait.experiments.jobs.train"),
    *("plait.experiments.build.problem", "plait.recipes", "plait.reports", "torchmetrics"),
)

Work = Callable[..., object]
Done = Mapping[str, object]


@dataclass
class Killed:
    """The kills of a command.

    Attributes:
        alive: how many met it at work.
        finished: what was finished at each.
    """

    alive: int = 0
    finished: list[int] = field(default_factory=list)


def results_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Returns `{run: stamp}` of the finished runs; a result that is written again has another."""
    found = {}
    for path in folder.rglob("result.json"):
        status = path.stat()
        found[path.relative_to(folder).as_posix()] = (status.st_ino, status.st_mtime_ns)
    return found


def run_to_end(work: Work, *arguments: Any) -> float:
    """Runs a command undisturbed and returns the seconds that it took."""
    begin = time.monotonic()
    process = start(work, *arguments)
    process.join(LONGEST)
    if process.is_alive():
        _kill(process)
        raise AssertionError(f"{work.__name__} has not ended in {LONGEST:.0f} s")
    assert process.exitcode == 0, f"{work.__name__} ended with {process.exitcode}"
    return time.monotonic() - begin


def kill_often(
    work: Work,
    *arguments: Any,
    done: Callable[[], Done],
    lasts: float,
    starts: float = 0.0,
    kills: int = 10,
    seed: int = 0,
) -> Killed:
    """Starts a command, kills it at a random instant, and so on; then lets it end.

    Args:
        work: the command.
        arguments: of it.
        done: tells what is finished: `{name: what changes if it is done again}`.
        lasts: seconds that it takes undisturbed; the kills are spread over about so long.
        starts: seconds of that which each start takes before there is work.
        kills: how often it is killed.
        seed: of the instants.

    Raises:
        AssertionError: something that was finished is gone, or was done again; or the command did
            not end well at last.
    """
    instants = random.Random(seed)
    found = Killed()
    before: Done = {}
    for kill in range(kills):
        process = start(work, *arguments)
        process.join(instants.uniform(0, starts + 2 * (lasts - starts) / kills))
        found.alive += _killed_at_work(process, f"start {kill}")
        before = _checked(before, done(), f"kill {kill}")
        found.finished.append(len(before))
    run_to_end(work, *arguments)
    _checked(before, done(), "the end")
    return found


def kill_on_the_way(
    work: Work, *arguments: Any, way: Callable[[], float], places: Sequence[float]
) -> int:
    """Starts a command, kills it as soon as it has come so far, and so on; then lets it end.

    Where a command comes to does not depend on how fast the machine is at the moment.

    Args:
        work: the command.
        arguments: of it.
        way: tells which part of its way it has done, 0 at the start.
        places: where it is killed; at 0 it is killed as it starts.

    Returns:
        How many kills met it at work.
    """
    alive = 0
    for place in places:
        process = start(work, *arguments)
        until = time.monotonic() + LONGEST
        while process.is_alive() and way() < place and time.monotonic() < until:
            process.join(0.002)
        met = _killed_at_work(process, f"the start to {place}")
        assert not met or way() >= place, f"{work.__name__} does not come to {place}"
        alive += met
    run_to_end(work, *arguments)
    return alive


def is_running(number: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        os.kill(number, 0)
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _killed_at_work(process: Any, what: str) -> bool:
    """Kills a process and returns whether it was alive; one that has ended must have ended well."""
    alive = bool(process.is_alive())
    assert process.exitcode in (None, 0), f"{what} ended with {process.exitcode}"
    _kill(process)
    return alive


def _checked(before: Done, now: Done, when: str) -> Done:
    """Returns what is finished now, which must have all that was before, as it was."""
    lost = [name for name in before if name not in now]
    again = [name for name in before if name in now and now[name] != before[name]]
    assert not lost, f"lost at {when}: {lost}"
    assert not again, f"done again at {when}: {again}"
    return now


def start(work: Work, *arguments: Any) -> Any:
    """Starts a command in a group of its own, and waits until it is there."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([*LOADED, work.__module__])
    ready, here = server.Pipe(duplex=False)
    process = server.Process(target=_in_own_group, args=(here, work, arguments))
    process.start()
    here.close()
    assert ready.poll(LONGEST), "the process has not started"
    ready.recv()
    ready.close()
    return process


def _in_own_group(ready: Any, work: Work, arguments: tuple[Any, ...]) -> None:
    os.setsid()
    ready.send(True)
    ready.close()
    sys.argv = ["plait"]
    work(*arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # at once, as a command: this process would wait for idle workers


def _kill(process: Any) -> None:
    """Kills a command and all that it has started."""
    with suppress(ProcessLookupError):  # it may have ended, with all that it has started
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    process.close()
