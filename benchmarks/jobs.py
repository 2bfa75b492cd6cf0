"""How much sooner the same runs are done two at a time, on two cores, with one thread each.

All runs of a round are trained anew, in turn with one job and with two. The start of the workers
(Python, torch and the data, for each) belongs to the time of two, as it does for a user.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from plait.experiments import validate, with_defaults
from plait.experiments.jobs import Failure, RunSpec, train

RUNS = 4
SETTINGS: dict[str, Any] = {
    "recipe": {"class": "digits", "scenes": 1500},
    "epochs": 8,
    "gallery": 0,
    "device": "cpu",
}
ROUNDS = 3
BOUND = 0.6  # of the time of one job


def main() -> bool:
    """Prints the ratio; returns whether its bound is kept."""
    torch.set_num_threads(1)
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for jobs in (1, 2):  # the workers of two end while one runs
            times[jobs].append(seconds(jobs))
            print(f"  {RUNS} runs, {jobs} at a time: {times[jobs][-1]:.1f} s", flush=True)
    one, two = (statistics.median(times[jobs]) for jobs in (1, 2))
    kept = two / one <= BOUND
    print(
        f"Jobs: {RUNS} runs take {one:.1f} s one by one and {two:.1f} s two at a time: ratio "
        f"{two / one:.2f}, bound {BOUND:g}: {'kept' if kept else 'MISSED'}"
    )
    return kept


def seconds(jobs: int) -> float:
    """Returns the seconds that all runs take, so many at a time."""
    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        specs = [
            RunSpec(validate(with_defaults({**SETTINGS, "seed": seed})), Path(folder, str(seed)))
            for seed in range(RUNS)
        ]
        begin = time.perf_counter()
        found = train(specs, jobs=jobs)
        took = time.perf_counter() - begin
    failed = [each.reason for each in found if isinstance(each, Failure)]
    if failed:
        raise RuntimeError(failed[0])
    return took


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
