"""Whatever happens to a run comes back as a value."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from plait.experiments.jobs import Failure, RunSpec
from plait.experiments.jobs.attempt import Place, Stopped, attempt, attempt_at
from plait.runs.result import RunResult
from plait.training import Callback, Trainer
from tests.experiments.jobs.tiny_runs import config_of
from tests.experiments.tiny import TINY
from tests.killing import is_running

MODULE = TINY.partition(":")[0]


class Signals(Callback):
    """Sends this process a signal, in a step or before the first."""

    def __init__(self, number: int, step: int) -> None:
        self.number, self.step = number, step

    def on_step_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.state.step == self.step:
            os.kill(os.getpid(), self.number)


def spec_of(folder: Path, recipe: str = TINY, **settings: Any) -> RunSpec:
    return RunSpec(config_of(recipe=recipe, **settings), folder / "run")


def test_a_run_gives_its_result(tmp_path: Path) -> None:
    assert isinstance(attempt(spec_of(tmp_path)), RunResult)


def test_an_error_of_plait_is_a_failure_with_its_message(tmp_path: Path) -> None:
    found = attempt(spec_of(tmp_path, f"{MODULE}:NotFinite"))
    assert isinstance(found, Failure)
    assert "not finite" in found.reason.lower() or "nan" in found.reason.lower()
    assert not found.trace


def test_any_other_error_is_a_failure_with_its_last_line(tmp_path: Path) -> None:
    found = attempt(spec_of(tmp_path, f"{MODULE}:Crashes"))
    assert isinstance(found, Failure)
    assert found.reason == "ZeroDivisionError: a defect"
    assert "in splits" in found.trace


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_training_stops_after_a_checkpoint(number: int, tmp_path: Path) -> None:
    before = signal.getsignal(number)
    spec = spec_of(tmp_path)
    assert attempt(spec, [Signals(number, 2)]) == Stopped(number)
    assert (spec.folder / "checkpoints" / "last.pt").is_file()
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_outside_of_training_stops_too(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        os.kill(os.getpid(), number)
        time.sleep(5)

    monkeypatch.setattr(sys.modules["plait.experiments.run"], "_test", killed)
    assert attempt(spec_of(tmp_path)) == Stopped(number)


def test_a_worker_has_its_threads_and_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multiprocessing.process.BaseProcess.daemon", True)  # as workers of Dask
    threads, place = torch.get_num_threads(), Path.cwd()
    try:
        spec = RunSpec(config_of(workers=2), Path("run"))
        found = attempt_at(spec, Place(tmp_path, threads=1, path=(str(tmp_path),)))
        assert isinstance(found, RunResult)
        assert (tmp_path / "run" / "result.json").is_file()
        assert torch.get_num_threads() == 1
        assert Path.cwd() == place
        assert sys.path[-1] == str(tmp_path)
    finally:
        sys.path.remove(str(tmp_path))
        torch.set_num_threads(threads)


ORPHAN = """
import os, sys, time, multiprocessing
from plait.experiments.jobs.attempt import end_with
def work(parent, out):
    end_with(parent)
    open(out, "w").write(str(os.getpid()))
    time.sleep(60)
if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    fork.Process(target=work, args=(os.getpid(), sys.argv[1])).start()
    time.sleep(60)
"""


def test_a_worker_ends_with_its_parent(tmp_path: Path) -> None:
    out = tmp_path / "number"
    process = subprocess.Popen([sys.executable, "-c", ORPHAN, str(out)])
    try:
        until = time.monotonic() + 60
        while not (out.is_file() and out.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    until = time.monotonic() + 10
    while time.monotonic() < until and is_running(int(out.read_text())):
        time.sleep(0.05)
    assert not is_running(int(out.read_text()))
