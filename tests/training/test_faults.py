"""Runs that are killed, that find no room, and that are read while they are written."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from plait.cli import main
from plait.training.checkpoint import read_checkpoint
from tests.cli.shell import PATHS, plait
from tests.experiments.tiny import TINY
from tests.killing import kill_often, kill_on_the_way, run_to_end
from tests.training.problem import assert_same_run, events, saved

WORDS = ("train", TINY, "recipe.examples=64", "gallery=0", "log_every=1")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", PATHS)


def train(folder: str, epochs: int = 40) -> None:
    """The same line each time, as a scheduler calls it."""
    words = (f"epochs={epochs}", "checkpoint_every=3")
    main([*WORDS, *words, "--out", folder, "--resume", "auto"])


def train_shortly(folder: str) -> None:
    """The same for a third of the epochs."""
    train(folder, epochs=13)


def train_on(folder: str) -> None:
    """The same, with checkpoints that are written while training goes on."""
    words = ("epochs=40", "checkpoint_every=1", "async_save=true")
    main([*WORDS, *words, "--out", folder, "--resume", "auto"])


def assert_same_to_the_test(one: Path, other: Path) -> None:
    assert_same_run(one, other)
    assert events(one)[-1] == events(other)[-1], "the test, after training"


def test_a_run_that_is_killed_on_its_way() -> None:
    """Killed while it starts, trains, evaluates, saves and tests, it is the undisturbed run."""
    run_to_end(train_shortly, "whole")
    lines = len(events(Path("whole")))
    log = Path("cut/events.jsonl")

    def way() -> float:
        return log.read_bytes().count(b"\n") / lines if log.exists() else 0.0

    drawn = random.Random(0)
    places = [0.0, *sorted(drawn.random() for _ in range(3)), 1.0]
    assert kill_on_the_way(train_shortly, "cut", way=way, places=places) >= 4
    assert_same_to_the_test(Path("cut"), Path("whole"))


@pytest.mark.slow
@pytest.mark.parametrize("run", [train, train_on])
def test_a_run_that_is_killed_at_random_instants(run: Callable[[str], None]) -> None:
    lasts = run_to_end(run, "whole")
    met = kill_often(run, "cut", done=dict, lasts=lasts, starts=0.2 * lasts, kills=20)
    assert met.alive > 5
    assert_same_to_the_test(Path("cut"), Path("whole"))


FULL = """
import resource, sys
from pathlib import Path
from plait.experiments import run, validate, with_defaults
from plait.training import Callback

class Full(Callback):
    def on_epoch_end(self, trainer):
        if trainer.state.epoch == 2:
            room = (trainer.run / "checkpoints/last.pt").stat().st_size // 2
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))

config = validate(with_defaults({"recipe": sys.argv[1], "epochs": 4, "gallery": 0}))
run(config, Path("run"), callbacks=[Full()])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of the system stands for a full disk")
def test_a_disk_that_is_full_leaves_the_last_checkpoint() -> None:
    command = [sys.executable, "-c", FULL, TINY]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "last.pt could not be written: File too large. What was there is as it was" in ran.stderr
    assert saved(Path("run"))["state"]["epoch"] == 2
    assert plait("train", "--resume", "run").code == 0
    assert plait("train", TINY, "epochs=4", "gallery=0", "--out", "whole").code == 0
    assert_same_run(Path("run"), Path("whole"))


def test_a_folder_that_is_read_while_it_is_written() -> None:
    """Whoever reads finds a whole checkpoint, and whole lines of the log."""
    done, read = threading.Event(), []

    def reader() -> None:
        while not done.is_set():
            if Path("run/checkpoints/last.pt").exists():
                read.append(read_checkpoint(Path("run/checkpoints/last.pt"))["state"]["step"])
                assert events(Path("run"))

    thread = threading.Thread(target=reader)
    thread.start()
    try:
        assert plait(*WORDS, "epochs=4", "checkpoint_every=1", "--out", "run").code == 0
    finally:
        done.set()
        thread.join()
    assert read == sorted(read)
    assert len(set(read)) > 2
