"""Runs that are killed at any instant and started again are each done once, with equal numbers."""

import os
import signal
import time
from pathlib import Path

import pytest

from plait.experiments.jobs import train
from tests.experiments.jobs.tiny_runs import numbers_in, specs_in
from tests.killing import is_running, kill_often, results_below, run_to_end, start

RUNS = 5


def train_all(folder: Path, jobs: int = 1, count: int = RUNS, epochs: int = 5) -> None:
    found = train(specs_in(folder, count, epochs=epochs), jobs=jobs)
    assert all(not hasattr(each, "reason") for each in found), found


def same_numbers(one: Path, other: Path) -> bool:
    return all(
        numbers_in(one / f"seed-{seed}") == numbers_in(other / f"seed-{seed}")
        for seed in range(RUNS)
    )


def test_killed_at_ten_instants(tmp_path: Path) -> None:
    lasts = run_to_end(train_all, tmp_path / "undisturbed")
    killed = tmp_path / "killed"
    found = kill_often(train_all, killed, lasts=lasts, done=lambda: results_below(killed))
    assert found.alive >= 5, found
    assert len(results_below(killed)) == RUNS
    assert same_numbers(killed, tmp_path / "undisturbed")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_ten_instants_with_two_jobs(seed: int, tmp_path: Path) -> None:
    lasts = run_to_end(train_all, tmp_path / "undisturbed", 2)
    starts = run_to_end(train_all, tmp_path / "short", 2, 1, 1)
    killed = tmp_path / "killed"
    found = kill_often(
        *(train_all, killed, 2),
        lasts=lasts,
        starts=min(starts, lasts),
        seed=seed,
        done=lambda: results_below(killed),
    )
    assert found.alive >= 5, found
    assert same_numbers(killed, tmp_path / "undisturbed")


@pytest.mark.slow
def test_workers_end_when_their_command_alone_is_killed(tmp_path: Path) -> None:
    process = start(train_all, tmp_path, 2, 2, 2000)
    until = time.monotonic() + 120
    locks = [tmp_path / f"seed-{seed}" / ".lock" for seed in range(2)]
    checkpoints = [lock.parent / "checkpoints" / "last.pt" for lock in locks]
    while not all(path.is_file() for path in checkpoints) and time.monotonic() < until:
        time.sleep(0.1)
    workers = [int(lock.read_text()) for lock in locks]
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    until = time.monotonic() + 30
    while any(map(is_running, workers)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(is_running, workers))
