"""Gradients of many tasks in as few passes as an example has labels, beside rows and TorchJD.

The bounds are of `UPGrad` with its solve, in joint steps: the forward pass, and one backward pass
of the sum of the losses.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.engine import Step, joint, torchjd
from benchmarks.nets import Problem, conv_net, mlp, transformer
from benchmarks.timing import interleaved
from plait.balancing import UPGrad
from plait.engine import Backward

SECONDS = 6  # for one case
CHUNK = 4  # of TorchJD's `parallel_chunk_size`; a pass for all tasks at once is its default


@dataclass
class Labelled(Problem):
    """A problem in which an example has labels of some tasks.

    Attributes:
        labels: `{task: [B] of bool}` of the tasks that have a label in the batch.
    """

    labels: dict[str, Tensor]

    def losses(self, features: Tensor | None = None) -> dict[str, Tensor]:
        """Runs the heads of the tasks that are present: `{task: mean over its labels}`."""
        known = self.features() if features is None else features
        targets = dict(zip(self.heads, self.targets, strict=True))
        return {
            task: F.mse_loss(self.heads[task](known)[:, 0][mask], targets[task][mask])
            for task, mask in self.labels.items()
        }


@dataclass(frozen=True)
class Case:
    """What is measured and promised.

    Attributes:
        build: makes the network and a batch for a number of tasks.
        tasks: their number.
        share: of the labels that are there; 0 for one label an example.
        bound: joint steps; None if it is not bounded in joint steps.
        batch: examples; None keeps those of the network.
    """

    build: Callable[[int], Problem]
    tasks: int
    share: float
    bound: float | None
    batch: int | None = None


def school(tasks: int, hidden: int = 0) -> Problem:
    """28 inputs, two hidden layers of 128, a head for each school; 0 ``hidden``: linear."""
    layers = [nn.Linear(28, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
    heads = {f"school{number}": _head(hidden) for number in range(tasks)}
    inputs = torch.randn(256, 28)
    return Problem(nn.Sequential(*layers), nn.ModuleDict(heads), inputs, torch.randn(tasks, 256))


def _head(hidden: int) -> nn.Module:
    if not hidden:
        return nn.Linear(128, 1)
    return nn.Sequential(nn.Linear(128, hidden), nn.ReLU(), nn.Linear(hidden, 1))


def assays(tasks: int) -> Problem:
    """The sizes of Tox21's network: 1024 inputs and two hidden layers of 256, batch 128."""
    layers = [nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()]
    heads = nn.ModuleDict({f"assay{number}": nn.Linear(256, 1) for number in range(tasks)})
    trunk = nn.Sequential(*layers)
    return Problem(trunk, heads, torch.randn(128, 1024), torch.randn(tasks, 128))


CASES = {
    "School, linear heads, one label": Case(school, 139, 0.0, 1.5),
    "School, heads of 32, one label": Case(lambda tasks: school(tasks, 32), 139, 0.0, 1.5),
    "MLP 256-512x4, one label": Case(mlp, 40, 0.0, 1.5),
    "MLP 256-512x4, 5 % of labels": Case(mlp, 40, 0.05, 3.0),
    "transformer, one label": Case(transformer, 10, 0.0, 1.6, 32),
    "conv net, one label": Case(conv_net, 10, 0.0, 2.0, 32),
    "Tox21, 83 % of labels": Case(assays, 12, 0.83, None),
}
AS_ROWS = 1.05  # where rows are as good, "auto" takes at most this part of their time


def labelled(case: Case) -> Labelled:
    """Builds the problem of a case, with the labels that are there drawn at random."""
    problem = case.build(case.tasks)
    inputs, targets = problem.inputs, problem.targets
    if case.batch is not None:
        inputs = torch.randn(case.batch, *inputs.shape[1:])
        targets = torch.randn(case.tasks, case.batch)
    if case.share:
        drawn = torch.rand(targets.shape) < case.share
    else:
        drawn = F.one_hot(torch.randint(case.tasks, targets.shape[1:]), case.tasks).bool().T
    labels = {task: mask for task, mask in zip(problem.heads, drawn, strict=True) if mask.any()}
    return Labelled(problem.trunk, problem.heads, inputs, targets, labels)


def plait(problem: Labelled, route: str) -> Step:
    """A step of `UPGrad` by a route."""
    balancer = UPGrad()
    balancer.setup(tuple(problem.heads))
    backward = Backward(balancer, problem.model, route=route)

    def step() -> None:
        backward(problem.losses(), labels=problem.labels)

    return step


def main() -> bool:
    """Prints a row for each case; returns whether every bound is met."""
    print(
        f"torch {torch.__version__}, torchjd {version('torchjd')}, {os.cpu_count()} processors, "
        f"{torch.get_num_threads()} threads"
    )
    print("UPGrad; medians of interleaved rounds, in joint steps\n")
    print("| case | tasks in the batch | joint step, ms | labels | auto | rows | layers |", end="")
    print(" TorchJD, default and chunk 4 | bound |\n|---|" + "--:|" * 8)
    kept = [_row(name, case) for name, case in CASES.items()]
    return all(kept)


def _row(name: str, case: Case) -> bool:
    torch.manual_seed(0)
    problem = labelled(case)
    steps = {
        "joint step": joint(problem),
        **{route: plait(problem, route) for route in ("labels", "auto", "rows", "layers")},
        "TorchJD": torchjd(problem, None),
        "TorchJD, chunk": torchjd(problem, CHUNK),
    }
    times = interleaved(steps, before=problem.model.zero_grad, seconds=SECONDS)
    step = times["joint step"]
    ratios = {variant: time / step for variant, time in times.items()}
    if case.bound is None:
        value, bound, what = times["auto"] / times["rows"], AS_ROWS, f"{AS_ROWS} of rows"
    else:
        value, bound, what = ratios["auto"], case.bound, f"{case.bound}"
    verdict = "met" if value <= bound else "**missed**"
    ours = " | ".join(f"{ratios[route]:.2f}" for route in ("labels", "auto", "rows", "layers"))
    theirs = f"{ratios['TorchJD']:.2f}, {ratios['TorchJD, chunk']:.2f}"
    present = f"{len(problem.labels)} | {1e3 * step:.1f}"
    print(f"| {name} | {present} | {ours} | {theirs} | {what}: {verdict} |", flush=True)
    return value <= bound


if __name__ == "__main__":
    raise SystemExit(not main())
