"""``python -m benchmarks.stale_rows``: `StaleRows` against the exact direction.

Two questions: how far is the direction of one pass a step from the exact one while the network
trains, and what is reached in equal time? The options set the size: ``--steps``, ``--minutes``,
``--seeds`` and the names of the problems. Not part of `make bench`; run it on a machine without
other work.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from plait.balancing import Info, StaleRows, UPGrad
from plait.core.batch import Batch
from plait.engine import Backward
from plait.experiments import build_job, open_problem, validate, with_defaults
from plait.experiments.build import Job, Problem
from plait.experiments.build.first_batches import first_batches
from plait.training.losses import BatchLosses
from plait.training.shared_counts import labels_of
from plait.training.step import training_step

PROBLEMS: dict[str, dict[str, Any]] = {
    "digits": {"recipe": "digits"},
    "tox21": {"recipe": "tox21", "data": "../shared/data/tox21"},
}
STALE = {"class": "StaleRows"}
METHODS: dict[str, dict[str, Any]] = {
    "Equal": {"balancing": "Equal"},
    "UPGrad": {"balancing": "UPGrad"},
    "UPGrad, every=10": {"balancing": "UPGrad", "every": 10},
    "StaleRows(UPGrad)": {"balancing": STALE},
}
KEPT = 40  # batches that are taken in turn for the angles
JOINED = 16  # batches of which the exact direction is the one that all are compared with
POINTS = 8  # of a training, at which angles are taken


def job_of(problem: Problem, settings: dict[str, Any], folder: str = "no-run") -> Job:
    """Builds the objects of a run."""
    own = {"measure_every": 0, "gallery": 0, "scheduler": None, "device": "cpu", **settings}
    return build_job(validate(with_defaults(own)), Path(folder), problem=problem)


class Directions:
    """Directions at the shared parameters, at the weights that a training has reached.

    Args:
        job: its model.
    """

    def __init__(self, job: Job) -> None:
        self.model = job.trainer.model
        self.reading = BatchLosses(self.model, nullcontext(), {})

    def __call__(self, backward: Backward, batches: Sequence[Batch]) -> Tensor:
        """Returns the direction `[P]` of a method on the joined batches; the model stays."""
        labels = labels_of(batches)
        backward.start(Info(tuple(labels)))
        for batch in batches:
            _, losses = self.reading(batch, counts=labels)
            backward.add(losses, {task: n / labels[task] for task, n in losses.counts.items()})
        backward.finish()
        shared = shared_of(self.model, backward)
        found = [torch.zeros_like(p) if p.grad is None else p.grad for p in shared]
        for parameter in self.model.parameters():
            parameter.grad = None
        return torch.cat([gradient.flatten() for gradient in found])


def shared_of(model: nn.Module, backward: Backward) -> list[Tensor]:
    """Returns the shared parameters in the order of the model, in which directions are compared."""
    layout = backward.memory.rows.layout
    return [parameter for parameter in model.parameters() if parameter in layout]


def last_direction(model: nn.Module, backward: Backward) -> Tensor:
    """Returns the direction `[P]` of the last step, of a `StaleRows`."""
    balancer, layout = backward.balancer, backward.memory.rows.layout
    assert isinstance(balancer, StaleRows)
    (last,) = balancer.last.rows(("direction",), torch.empty(0, layout.width))
    return torch.cat([last[layout.columns(p)] for p in shared_of(model, backward)])


def degrees(one: Tensor, two: Tensor) -> float:
    """Returns the angle between two directions."""
    cosine = torch.nn.functional.cosine_similarity(one.double(), two.double(), dim=0)
    return float(cosine.clamp(-1, 1).arccos().rad2deg())


def angles(problem: Problem, settings: dict[str, Any], steps: int) -> None:
    """Prints the angles to the exact direction of many joined batches, over a training.

    The momentum of all tasks' fresh gradients, at T passes a step, tells how much of the angle is
    that of the average, and the exact direction of one batch how much is noise.
    """
    job = job_of(problem, {**settings, "balancing": STALE})
    trainer, tasks = job.trainer, tuple(job.trainer.model.tasks)
    trainer.model.train()
    batches = list(islice(first_batches(job), KEPT))
    find, feed = Directions(job), cycle(batches)
    exact = Backward(UPGrad(), trainer.model, route="rows")
    fresh = StaleRows(UPGrad(), tasks_per_step=len(tasks), returns="direction")
    followed = Backward(fresh, trainer.model)
    points = {round(steps * (number + 1) / POINTS) for number in range(POINTS)}
    print("| step | StaleRows | momentum of all tasks | exact, one batch |\n|--:|--:|--:|--:|")
    for step in range(1, steps + 1):
        batch = next(feed)
        averaged = find(followed, [batch])
        if step in points:
            wanted = find(exact, list(islice(feed, JOINED)))
            noisy = find(exact, [batch])
        training_step(
            trainer.model,
            [batch],
            trainer.backward,
            trainer.optimizer,
            info=Info(epoch=0, learning_rate=float(trainer.optimizer.param_groups[0]["lr"])),
            autocast=nullcontext(),
            device=trainer.device,
        )
        if step in points:
            stale = last_direction(trainer.model, trainer.backward)
            found = (degrees(each, wanted) for each in (stale, averaged, noisy))
            print(f"| {step} | " + " | ".join(f"{each:.0f}°" for each in found) + " |", flush=True)


def equal_time(problem: Problem, settings: dict[str, Any], minutes: float, seeds: int) -> None:
    """Prints the best score on the validation data that each method reaches in equal time."""
    print(f"\n| method | score, {seeds} seeds of {minutes:g} min | steps |\n|---|--:|--:|")
    for name, own in METHODS.items():
        scores, steps = [], []
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                limit = {"minutes": minutes, "epochs": 10**5, "seed": seed}
                job = job_of(problem, {**settings, **own, **limit}, folder)
                state = job.trainer.fit(job.loaders["train"], job.loaders["val"])
            scores.append(state.best_score)
            steps.append(state.step)
        each = ", ".join(f"{score:.4f}" for score in scores)
        print(f"| {name} | {statistics.mean(scores):.4f} ({each}) | {steps} |", flush=True)


def main() -> None:
    """Prints both tables of each problem."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS), metavar="PROBLEM")
    parser.add_argument("--steps", type=int, default=2000, help="of the training with angles")
    parser.add_argument("--minutes", type=float, default=2.0, help="of each training")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in given.problems:
        settings = copy.deepcopy(PROBLEMS[name])
        if not Path(settings.get("data", ".")).exists():
            print(f"\n{name}: its data are not here")
            continue
        print(f"\n{name}: angle to the exact direction of {JOINED} joined batches\n")
        problem = open_problem(validate(with_defaults(settings)))
        torch.manual_seed(0)
        angles(problem, settings, given.steps)
        equal_time(problem, settings, given.minutes, given.seeds)


if __name__ == "__main__":
    main()
