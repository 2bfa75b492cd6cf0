"""``plait train --nproc``: several processes take a run together, and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plait.distributed.launch import Ending, launch
from tests.cli.shell import PATHS
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


def test_a_signal_ends_all_of_them_with_a_checkpoint() -> None:
    run = Run(Path("cut"))
    run.parent.send_signal(signal.SIGTERM)
    code, told = run.end()
    assert code == 143
    assert told == ["plait: interrupted by SIGTERM; to go on: `plait train --resume cut`"]
    state = saved(Path("cut"))["state"]
    assert state["step"] >= 8
    time.sleep(0.2)
    assert saved(Path("cut"))["state"] == state, "nobody writes on"


def test_what_is_wrong_is_said_once(tmp_path: Path) -> None:
    ending = launch(["train", TINY, "balancing=MOML", "--out", "run"], 2)
    assert ending.code == 2
    (reason,) = ending.reasons
    assert reason.startswith("error: MOML looks ahead")
    assert not (tmp_path / "run").exists()
