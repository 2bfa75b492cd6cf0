"""Runs in processes of their own: side by side, and none takes another with it."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from plait.core.signals import WARNING
from plait.experiments.jobs import Failure, RunSpec, pool, train
from plait.experiments.jobs.pool import Pool
from plait.runs.result import RunResult
from plait.training import Interrupted
from tests.experiments.jobs.tiny_runs import config_of, numbers_in, specs_in
from tests.experiments.tiny import Tiny
from tests.killing import is_running, start

DIES = f"{__name__}:Dies"


class Dies(Tiny):
    """Its process is killed, as the system does for want of memory."""

    def encoder(self) -> object:  # type: ignore[override]
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_run_that_takes_its_process_with_it_is_a_failure_alone(tmp_path: Path) -> None:
    specs = dict(enumerate(specs_in(tmp_path, 2)))
    specs[2] = RunSpec(config_of(recipe=DIES), tmp_path / "dies")
    specs[3] = specs_in(tmp_path, 4)[3]
    found = dict(Pool(2, "loky").outcomes(specs))
    assert sorted(found) == [0, 1, 2, 3]
    assert isinstance(found[2], Failure)
    assert "ended by the system" in found[2].reason
    assert all(isinstance(found[number], RunResult) for number in (0, 1, 3))


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_processes(tmp_path: Path) -> None:
    one = dict(enumerate(specs_in(tmp_path / "one", 2)))
    two = dict(enumerate(specs_in(tmp_path / "two", 2)))
    assert len(dict(Pool(1, "loky").outcomes(one))) == 2
    assert len(dict(Pool(2, "loky").outcomes(two))) == 2
    for number in range(2):
        assert numbers_in(one[number].folder) == numbers_in(two[number].folder)


@pytest.mark.parametrize(("jobs", "threads"), [(1, 2), (2, 1), (5, 1)])
def test_the_cores_are_divided(jobs: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    place = Pool(jobs, "loky")._place(local=True)
    assert (place.threads, place.parent) == (threads, os.getpid())
    assert Pool(jobs, "dask")._place(local=False).threads is None


@pytest.mark.skipif(WARNING is None, reason="has no SIGUSR1")
def test_a_warning_that_is_repeated_kills_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    worker = SimpleNamespace(terminate=lambda: ended.append("asked to end"))
    monkeypatch.setattr(pool, "_workers", lambda: [worker])
    made = Pool(2, "loky")
    for _ in range(3):
        made._stop(signal.SIGUSR1, {})
    assert made.stopped == signal.SIGUSR1
    assert ended == ["asked to end"]


def train_for_long(folder: Path) -> None:
    """Trains two networks until it is told to stop, and notes with which words it did."""
    try:
        train(specs_in(folder, 3, epochs=100_000, start_counts=False), jobs=2)
    except Interrupted as error:
        (folder / "told.txt").write_text(f"{error.signal} {error}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "send"), [(signal.SIGTERM, os.kill), (signal.SIGINT, os.killpg)]
)
def test_a_signal_ends_all_workers_after_a_checkpoint(
    number: int, send: Callable[[int, int], None], tmp_path: Path
) -> None:
    process = start(train_for_long, tmp_path)
    runs = [tmp_path / f"seed-{seed}" for seed in range(3)]
    until = time.monotonic() + 120
    while not all((run / "checkpoints" / "last.pt").is_file() for run in runs[:2]):
        assert time.monotonic() < until
        time.sleep(0.1)
    workers = [int((run / ".lock").read_text()) for run in runs[:2]]
    told = time.time()
    send(process.pid, number)
    process.join(60)
    assert process.exitcode == 0
    assert not any(map(is_running, workers))
    said = (tmp_path / "told.txt").read_text()
    assert said.startswith(f"{int(number)} interrupted by {signal.Signals(number).name}; 0 of 3")
    assert all((run / "checkpoints" / "last.pt").stat().st_mtime > told for run in runs[:2])
    assert not runs[2].exists()
