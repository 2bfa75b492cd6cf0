"""``plait train --nproc``: several processes take a run together, and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.elastic.multiprocessing.api import SubprocessContext

from plait.core.launched import ERRORS, leave
from plait.distributed import launch as launcher
from plait.distributed.launch import Ending, launch
from tests.cli.shell import PATHS
from tests.distributed.faulty import CRASHES, FAILS, HANGS, STOPS
from tests.experiments.tiny import TINY
from tests.training.problem import assert_same_run, events, saved

WORDS = ("train", TINY, "epochs=40", "recipe.examples=64", "gallery=0", "--out")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", PATHS)


class Run:
    """A run of two processes, in a process of its own, that has finished its first epoch."""

    def __init__(self, folder: Path) -> None:
        words = [sys.executable, "-m", "plait", *WORDS, folder.name, "--nproc", "2"]
        self.parent = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        assert self.parent.stderr is not None
        assert any(line.split()[:1] == ["1/40"] for line in self.parent.stderr)

    def ranks(self) -> list[int]:
        listed = Path(f"/proc/{self.parent.pid}/task/{self.parent.pid}/children").read_text()
        return sorted(map(int, listed.split()))

    def end(self) -> tuple[int, list[str]]:
        """Returns exit code, and the last lines."""
        _, err = self.parent.communicate(timeout=120)
        return self.parent.returncode, [x for x in err.splitlines() if x.startswith("plait: ")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of two processes that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATHS)
        assert launch([*WORDS, str(folder)], 2) == Ending(0, ())
    yield folder


@pytest.mark.slow
def test_parts_of_the_model_train_the_same_run(whole: Path) -> None:
    """Rank 0 tests it, and writes the model whole."""
    assert launch([*WORDS, "parts", "parallel=shard"], 2) == Ending(0, ())
    for here, there in zip(events(Path("parts"))[-1:], events(whole)[-1:], strict=True):
        assert here["losses"] == pytest.approx(there["losses"], rel=1e-3)
    files = (run / "model" / "model.safetensors" for run in (Path("parts"), whole))
    found, wanted = map(load_file, files)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-2, atol=1e-3)


@pytest.mark.skipif(sys.platform != "linux", reason="children are read from /proc")
@pytest.mark.parametrize("rank", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_rank_that_is_killed_ends_the_run_which_goes_on(whole: Path, rank: int) -> None:
    """Resumed, it is the run that nobody disturbed, to the last bit."""
    cut = Path("cut")
    run = Run(cut)
    os.kill(run.ranks()[rank], signal.SIGKILL)
    code, told = run.end()
    assert code == 137
    assert told == [f"plait: process {rank} of 2 (from 0) was ended by SIGKILL"]
    assert 1 <= saved(cut)["state"]["epoch"] < 40
    assert launch(["train", "--resume", str(cut)], 2) == Ending(0, ())
    assert_same_run(cut, whole)
    assert events(cut)[-1] == events(whole)[-1], "the test, after training"


@pytest.mark.parametrize(
    "number", [signal.SIGUSR1, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_ends_all_of_them_with_a_checkpoint(number: signal.Signals) -> None:
    run = Run(Path("cut"))
    run.parent.send_signal(number)
    code, told = run.end()
    assert code == 143
    assert told == [f"plait: interrupted by {number.name}; to go on: `plait train --resume cut`"]
    state = saved(Path("cut"))["state"]
    assert state["step"] >= 8
    time.sleep(0.2)
    assert saved(Path("cut"))["state"] == state, "nobody writes on"


FAULTY = ("epochs=40", "recipe.examples=64", "gallery=0", "--out", "run")


def test_the_error_of_one_is_that_of_the_command() -> None:
    """The other notices that it has gone, and does not say so in its place."""
    ending = launch(["train", FAILS, *FAULTY], 2)
    assert ending == Ending(2, ("error: example 7 is not readable. Look at the file.",))


@pytest.mark.slow
def test_so_is_a_defect_of_one(capfd: pytest.CaptureFixture[str]) -> None:
    assert launch(["train", CRASHES, *FAULTY], 2) == Ending(1, ())
    assert "ZeroDivisionError: a defect" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [STOPS, HANGS])
def test_a_process_that_hangs_ends_the_run(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given less time to end than the 30 seconds of torch, so that the test takes less."""
    close = SubprocessContext._close
    monkeypatch.setattr(launcher, "GRACE", 3)
    monkeypatch.setattr(
        SubprocessContext, "_close", lambda self, death_sig, timeout: close(self, death_sig, 3)
    )
    ending = launch(["train", recipe, *FAULTY, "--timeout", "30"], 2)
    lost, hung = ending.reasons
    assert ending.code == 3
    assert "has ended or does not answer" in lost and "Timed out" in lost
    assert hung == "process 1 of 2 (from 0) hung, and was ended"
    state = saved(Path("run"))["state"]
    assert state["step"] == 8, "that of the first epoch, in which rank 1 reads 32 examples"


class Failed(NamedTuple):
    exitcode: int
    timestamp: int = 100


LATE = 100 + 30


@pytest.mark.parametrize(
    ("failures", "said", "wanted"),
    [
        ({1: Failed(2), 0: Failed(3)}, {1: (2, "bad"), 0: (3, "lost")}, Ending(2, ("bad",))),
        ({0: Failed(3), 1: Failed(-15)}, {1: (2, "bad"), 0: (3, "lost")}, Ending(2, ("bad",))),
        ({0: Failed(3), 1: Failed(1)}, {0: (3, "lost")}, Ending(1, ())),
        ({0: Failed(3), 1: Failed(-15)}, {0: (3, "lost")}, Ending(3, ("lost",))),
        (
            {0: Failed(3), 1: Failed(-9, LATE)},
            {0: (3, "lost")},
            Ending(3, ("lost", "process 1 of 2 (from 0) hung, and was ended")),
        ),
        (
            {0: Failed(3), 1: Failed(-9)},
            {0: (3, "lost")},
            Ending(137, ("process 1 of 2 (from 0) was ended by SIGKILL",)),
        ),
        (
            {1: Failed(-9), 0: Failed(-9, LATE)},
            {},
            Ending(137, ("process 1 of 2 (from 0) was ended by SIGKILL",)),
        ),
        (
            {1: Failed(-11), 0: Failed(-15)},
            {},
            Ending(139, ("process 1 of 2 (from 0) was ended by SIGSEGV",)),
        ),
        ({1: Failed(1), 0: Failed(3)}, {1: (1, ""), 0: (3, "lost")}, Ending(1, ())),
    ],
)
def test_which_process_is_the_reason(
    failures: dict[int, Any],
    said: dict[int, tuple[int, str]],
    wanted: Ending,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ERRORS, str(tmp_path))
    for rank, (code, reason) in said.items():
        monkeypatch.setenv("RANK", str(rank))
        leave(reason, code)
    failed: Any = SimpleNamespace(failures=failures)
    assert launcher._ending(failed, tmp_path, 2) == wanted


def test_what_is_wrong_is_said_once(tmp_path: Path) -> None:
    ending = launch(["train", TINY, "balancing=UPGrad", "route=layers", "--out", "run"], 2)
    assert ending.code == 2
    (reason,) = ending.reasons
    assert reason.startswith("error: route='layers' sees the examples of one process alone")
    assert not (tmp_path / "run").exists()
