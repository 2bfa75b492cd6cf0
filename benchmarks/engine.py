"""`plait.backward` against the joint step, bare per-task gradients, and TorchJD."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch

from benchmarks.nets import Problem, conv_net, mlp, transformer, wide_mlp
from benchmarks.timing import interleaved
from plait.balancing import Balancer, Equal, UncertaintyWeights, UPGrad
from plait.engine import Backward
from plait.gradients import LayerPlan, reached_by

SECONDS = 16  # for one net and number of tasks
Step = Callable[[], None]


@dataclass(frozen=True)
class Case:
    """A network, numbers of tasks, and what is promised for it.

    Attributes:
        floor: the exact engine takes at most this part of the floor.
        peer: the exact engine takes at most this part of TorchJD's best; by number of tasks.
        features: at the features a step takes at most so many joint steps; by number of tasks.
    """

    build: Callable[[int], Problem]
    floor: float
    peer: dict[int, float]
    features: dict[int, float]


CASES = {
    "MLP 256-512x4": Case(mlp, 1.2, {2: 1.03, 10: 0.8, 40: 0.8}, {2: 1.15, 10: 1.15, 40: 1.5}),
    "conv net": Case(conv_net, 1.08, {3: 1.03, 10: 1.03}, {3: 1.15, 10: 1.15}),
    "transformer": Case(transformer, 1.08, {3: 1.03, 10: 1.03}, {3: 1.15, 10: 1.15}),
    "MLP 256-1024x4": Case(wide_mlp, 0.95, {10: 0.8, 40: 0.8}, {}),
}


def joint(problem: Problem) -> Step:
    """The sum of the losses, one backward pass."""

    def step() -> None:
        torch.autograd.backward(list(problem.losses().values()))

    return step


def floor(problem: Problem) -> Step:
    """One backward pass for each task, to the trunk and to its own head, and nothing else."""
    trunk = list(problem.trunk.parameters())

    def step() -> None:
        losses = problem.losses()
        for number, (task, loss) in enumerate(losses.items(), start=1):
            wanted = [*trunk, *problem.heads[task].parameters()]
            torch.autograd.grad(loss, wanted, retain_graph=number < len(losses))

    return step


def engine(problem: Problem, balancer: Balancer, **options: Any) -> Step:
    """`plait.Backward` with any options."""
    balancer.setup(tuple(problem.heads))
    backward = Backward(balancer, problem.model, **options)
    learned = list(balancer.parameters())
    at_features = options.get("at") == "features"

    def step() -> None:
        features = problem.features()
        backward(problem.losses(features), features=features if at_features else None)
        for parameter in learned:  # as an optimizer would, without which they are refused
            assert parameter.grad is not None
            parameter.data -= 1e-3 * parameter.grad
            parameter.grad = None

    return step


def torchjd(problem: Problem, chunk: int | None) -> Step:
    """TorchJD's UPGrad with its `parallel_chunk_size`."""
    from torchjd.aggregation import UPGrad as Peer
    from torchjd.autojac import jac_to_grad, mtl_backward

    trunk, aggregator = list(problem.trunk.parameters()), Peer()

    def step() -> None:
        features = problem.features()
        losses = list(problem.losses(features).values())
        mtl_backward(losses, features, parallel_chunk_size=chunk)
        jac_to_grad(trunk, aggregator)

    return step


VARIANTS: dict[str, Callable[[Problem], Step]] = {
    "joint step": joint,
    "floor": floor,
    "Equal": lambda problem: engine(problem, Equal()),
    "UncertaintyWeights": lambda problem: engine(problem, UncertaintyWeights()),
    "UPGrad, rows": lambda problem: engine(problem, UPGrad(), route="rows"),
    "UPGrad, layers": lambda problem: engine(problem, UPGrad(), route="layers"),
    "UPGrad, auto": lambda problem: engine(problem, UPGrad()),
    "UPGrad, features": lambda problem: engine(problem, UPGrad(), at="features"),
    "weights re-used": lambda problem: engine(problem, UPGrad(), every=1 << 30),
    "TorchJD": lambda problem: torchjd(problem, None),
    "TorchJD, chunk 1": lambda problem: torchjd(problem, 1),
    "TorchJD, chunk 4": lambda problem: torchjd(problem, 4),
}


def main() -> bool:
    """Prints a table for each case; returns whether every bound is met."""
    print(
        f"torch {torch.__version__}, torchjd {version('torchjd')}, {os.cpu_count()} processors, "
        f"{torch.get_num_threads()} threads\nmedians of interleaved rounds, in joint steps"
    )
    met = True
    for name, case in CASES.items():
        for tasks in case.peer:
            torch.manual_seed(0)
            problem = case.build(tasks)
            steps = {variant: make(problem) for variant, make in VARIANTS.items()}
            model = problem.model
            times = interleaved(steps, before=model.zero_grad, seconds=SECONDS)
            met = _report(name, case, tasks, problem, times) and met
    return met


def _report(name: str, case: Case, tasks: int, problem: Problem, times: dict[str, float]) -> bool:
    step = times["joint step"]
    best = min(time for variant, time in times.items() if variant.startswith("TorchJD"))
    plan = _plan(problem)
    route = "layers" if plan.is_cheaper else "rows"
    print(
        f"\n{name}, T = {tasks}: joint step {1e3 * step:.1f} ms; auto takes {route}; "
        f"{plan.coverage:.0%} of the shared parameters have a layer"
    )
    for variant, time in times.items():
        print(
            f"  {variant:20}{time / step:7.2f}  {time / times['floor']:6.2f} x floor"
            f"  {time / best:6.2f} x TorchJD's best"
        )
    auto, reused = times["UPGrad, auto"], times["weights re-used"]
    bounds = [
        ("Equal, joint steps", times["Equal"] / step, 1.03),
        ("UncertaintyWeights, joint steps", times["UncertaintyWeights"] / step, 1.03),
        ("exact / floor", auto / times["floor"], case.floor),
        ("exact / TorchJD's best", auto / best, case.peer[tasks]),
        ("every=10, part of the overhead", 0.1 + 0.9 * (reused - step) / (auto - step), 1 / 8),
    ]
    if tasks in case.features:
        bounds.append(
            ("at features, joint steps", times["UPGrad, features"] / step, case.features[tasks])
        )
    if route == "layers":
        bounds.append(("parameters without a layer", 1 - plan.coverage, 0.05))
    for what, value, bound in bounds:
        verdict = "met" if value <= bound else "MISSED"
        print(f"  {verdict:7}{what}: {value:.3f}, at most {bound:.3f}")
    return all(value <= bound for _, value, bound in bounds)


def _plan(problem: Problem) -> LayerPlan:
    losses = problem.losses()
    reached = reached_by(losses)
    shared = [parameter for parameter, names in reached if len(names) > 1]
    return LayerPlan.of(losses, shared, [p for p, names in reached if len(names) == 1])


if __name__ == "__main__":
    raise SystemExit(not main())
