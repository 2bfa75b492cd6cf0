"""Forecasts of time and memory against real steps: both within 20 % for every balancer.

Time: steps of trainings that were built by themselves run in turn, on batches that the forecast has
not seen. Memory: what a fresh process takes for its steps beyond those it had before.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import cache, partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch

from benchmarks.memory import ALLOCATOR
from benchmarks.timing import interleaved
from plait.balancing.contract.info import Info
from plait.core.batch import Batch
from plait.experiments import RunConfig, build_job, open_problem, validate, with_defaults
from plait.experiments.build import Job, Problem
from plait.experiments.build.first_batches import first_batches
from plait.experiments.build.optimizer import optimizer_arguments
from plait.experiments.forecast import StepSettings, forecast
from plait.experiments.forecast.peak import bytes_of_module
from plait.training.options import GroupOptions
from plait.training.peak_memory import PeakMemory
from plait.training.step import training_step

BOUND = 0.2  # of what is measured
BATCHES, STEPS = 8, 4  # of the forecast; of a process whose memory is measured
SECONDS = 60  # of interleaved steps, for each problem
SMALL = 4 << 20  # bytes; where steps take less, the pages of a process tell nothing
PROBLEMS: dict[str, dict[str, Any]] = {
    "digits": {"recipe": "digits"},
    "digits, MMoE": {"recipe": "digits", "sharing": "MMoE"},
    "multi-mnist": {"recipe": "multi-mnist", "data": "../shared/data/mnist"},
    "tox21": {"recipe": "tox21", "data": "../shared/data/tox21"},
}


def main() -> bool:
    """Prints each forecast beside what was measured; returns whether all are within the bound."""
    met = True
    for name, settings in PROBLEMS.items():
        if not Path(settings.get("data", ".")).exists():
            print(f"\n{name}: its data are not here")
            continue
        met = _measured(name) and met
    return met


def _measured(name: str) -> bool:
    job = _job(name)
    batches = list(islice(first_batches(job), BATCHES))
    told = {
        each.balancer: each
        for each in forecast(job.trainer.model, batches, _settings(_config(name), job))
        if not each.why
    }
    steps = {balancer: _step(_job(name, balancer)) for balancer in told}
    times = interleaved(steps, before=lambda: None, seconds=SECONDS)
    own, taken_by = bytes_of_module(job.trainer.model), _memory(name, list(told))
    print(f"\n{name}: forecast / measured (time as a multiple of the plain sum, then seconds)")
    met = True
    for balancer, each in told.items():
        assert each.seconds is not None and each.ratio is not None and each.memory is not None
        ratio = each.ratio / (times[balancer] / times["Equal"])
        taken, wanted = taken_by[balancer], each.memory - own
        memory = wanted / taken if max(taken, wanted) > SMALL else 1.0
        good = abs(ratio - 1) <= BOUND and abs(memory - 1) <= BOUND
        met = met and good
        print(
            f"  {'met' if good else 'MISSED':7}{balancer:20} ratio {ratio:5.2f}  seconds "
            f"{each.seconds / times[balancer]:5.2f}  memory {memory:5.2f}  "
            f"({1e3 * each.seconds:.1f} ms, {wanted / 2**20:.1f} MiB beyond the model)",
            flush=True,
        )
    return met


def _settings(config: RunConfig, job: Job) -> StepSettings:
    given = optimizer_arguments(config.optimizer)
    make = given.pop("optimizer")
    return StepSettings.of(job.trainer, make, GroupOptions(**given))


def _config(name: str, balancer: str = "Equal") -> RunConfig:
    own = {**PROBLEMS[name], "balancing": balancer, "device": "cpu"}
    return validate(with_defaults(own))


@cache
def _problem(name: str) -> Problem:
    """Opens the data of a problem, once."""
    return open_problem(_config(name))


def _job(name: str, balancer: str = "Equal") -> Job:
    return build_job(_config(name, balancer), Path("no-run"), problem=_problem(name))


def _step(job: Job) -> Callable[[], None]:
    """Returns a function that takes the next step of a training, by its Trainer's own objects."""
    trainer = job.trainer
    trainer.model.train()
    kept = list(islice(first_batches(job), BATCHES, 3 * BATCHES)) or list(first_batches(job))
    count, feed = trainer.balancer.batches, cycle(kept)
    return partial(_taken, job, feed, count)


def _taken(job: Job, feed: Iterator[Batch], count: int) -> None:
    trainer = job.trainer
    training_step(
        trainer.model,
        list(islice(feed, count)),
        trainer.backward,
        trainer.optimizer,
        info=Info((), epoch=0, learning_rate=float(trainer.optimizer.param_groups[0]["lr"])),
        autocast=nullcontext(),
        device=trainer.device,
    )


def _memory(name: str, balancers: Sequence[str]) -> dict[str, int]:
    """Returns what the steps of each balancer take in a fresh process, in bytes."""
    command = [sys.executable, "-m", "benchmarks.forecasts", name, *balancers]
    environment = {**os.environ, **ALLOCATOR}
    found = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(found.stdout))


def _child(name: str, balancers: Sequence[str]) -> None:
    torch.set_num_threads(1)
    _run(name, "Equal")  # what a step loads for the first time is taken before
    print(json.dumps({balancer: _run(name, balancer) for balancer in balancers}))


def _run(name: str, balancer: str) -> int:
    step = _step(_job(name, balancer))
    gc.collect()
    with PeakMemory() as before:
        pass
    with PeakMemory() as peak:
        for _ in range(STEPS):
            step()
    return (peak.bytes or 0) - (before.bytes or 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _child(sys.argv[1], sys.argv[2:])
    else:
        torch.set_num_threads(1)
        raise SystemExit(not main())
