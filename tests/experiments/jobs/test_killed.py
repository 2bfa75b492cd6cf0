"""Runs that are killed at any instant and started again are each done once, with equal numbers."""

import json
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from plait.experiments import FAMILIES, compare
from plait.experiments.jobs import train
from tests.experiments.jobs.tiny_runs import MEASURED, config_of, numbers_in, specs_in
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


def compare_all(folder: Path) -> None:
    compare(config_of(), folder, title="Squares", members=FAMILIES, resamples=20)


def compared(folder: Path) -> Any:
    """The comparison without what it took."""
    return without(MEASURED, json.loads((folder / "comparison.json").read_text()))


def without(names: Collection[str], found: Any) -> Any:
    """Leaves out some keys of nested JSON."""
    if isinstance(found, dict):
        return {n: without(names, each) for n, each in found.items() if n not in names}
    return [without(names, each) for each in found] if isinstance(found, list) else found


def test_a_comparison_killed_at_ten_instants(tmp_path: Path) -> None:
    lasts = run_to_end(compare_all, tmp_path / "undisturbed")
    killed = tmp_path / "killed"
    found = kill_often(compare_all, killed, lasts=lasts, done=lambda: results_below(killed))
    assert found.alive >= 5, found
    assert results_below(killed).keys() == results_below(tmp_path / "undisturbed").keys()
    assert compared(killed) == compared(tmp_path / "undisturbed")


@pytest.mark.slow
def test_runs_of_two_jobs_killed_at_ten_instants(tmp_path: Path) -> None:
    lasts = run_to_end(train_all, tmp_path / "undisturbed", 2)
    starts = run_to_end(train_all, tmp_path / "short", 2, 1, 1)
    killed = tmp_path / "killed"
    found = kill_often(
        *(train_all, killed, 2),
        lasts=lasts,
        starts=min(starts, lasts),
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
