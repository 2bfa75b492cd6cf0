"""What a step takes more than another one, operation by operation, in microseconds.

`python -m benchmarks.excess` profiles the engine beside its floor and the members of the families
beside the modules that they run, step by step in turn; with names, only the pairs so named.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import engine, families
from benchmarks.nets import mlp
from plait.balancing import Equal, UPGrad
from plait.model import MultiTaskModel
from plait.tasks import MultiLabel

ROUNDS = 25
SHOWN = 8  # operations a pair, by what they add
OUTSIDE = "outside operations"  # Python, and what of autograd is no operation
MEMBERS = {
    "MLP": ("Sluice", "SharedPrivate", "AdaTT", "PLE", "LearningToBranch", "CrossStitch"),
    "conv": ("MTAN", "Sluice", "AdaTT", "PLE", "NDDR", "CrossStitch"),
}
Step = Callable[[], None]


@dataclass(frozen=True)
class Pair:
    """A step, and the one that it is compared with; `before` runs before each, outside the time."""

    step: Step
    base: Step
    before: Step


def pairs() -> Iterator[tuple[str, Callable[[], Pair]]]:
    """Yields the name of each pair, and what makes it."""
    yield "UPGrad / floor, MLP T=2", lambda: _engine(UPGrad(), engine.floor)
    yield "UPGrad at features / joint, MLP T=2", lambda: _engine(UPGrad(), at="features")
    yield "Equal / joint, MLP T=2", lambda: _engine(Equal())
    for net, build in families.NETS.items():
        arguments = dict(families.members())
        for member in MEMBERS[net.split()[0]]:
            yield (
                f"{member} / its modules, {net}",
                lambda member=member, build=build, known=arguments: _member(known[member], build),
            )


def _engine(balancer, base=engine.joint, **options) -> Pair:
    problem = mlp(2)
    return Pair(engine.engine(problem, balancer, **options), base(problem), problem.model.zero_grad)


def _member(arguments, build) -> Pair:
    encoder, inputs = build()
    tasks = [MultiLabel(task, labels=1) for task in families.TASKS]
    model = MultiTaskModel(**arguments(encoder), tasks=tasks, example=inputs)
    return Pair(
        families.whole(model, inputs), families.modules_alone(model, inputs), model.zero_grad
    )


def by_operation(step: Step) -> dict[str, float]:
    """Returns the microseconds of each operation in one step, and of all that is none."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        start = time.perf_counter()
        step()
        whole = 1e6 * (time.perf_counter() - start)
    found = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    return {**found, OUTSIDE: whole - sum(found.values())}


def timed(step: Step) -> float:
    """Returns the microseconds of one step."""
    start = time.perf_counter()
    step()
    return 1e6 * (time.perf_counter() - start)


def compared(pair: Pair) -> tuple[tuple[float, float], dict[str, float]]:
    """Returns the medians of both steps without the profiler, and what each operation adds."""
    plain: tuple[list[float], list[float]] = ([], [])
    parts: tuple[dict[str, list[float]], ...] = (defaultdict(list), defaultdict(list))
    for number in range(ROUNDS + 2):
        for times, operations, step in zip(plain, parts, (pair.step, pair.base), strict=True):
            pair.before()
            taken = timed(step)
            pair.before()
            found = by_operation(step)
            if number >= 2:
                times.append(taken)
                for name, microseconds in found.items():
                    operations[name].append(microseconds)
    ours, theirs = (
        {name: sum(times) and statistics.median(times) for name, times in operations.items()}
        for operations in parts
    )
    added = {name: ours.get(name, 0) - theirs.get(name, 0) for name in {**ours, **theirs}}
    return (statistics.median(plain[0]), statistics.median(plain[1])), added


def main(wanted: list[str]) -> None:
    """Prints, for each pair, what the step adds and which operations do."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; medians of {ROUNDS}")
    for name, make in pairs():
        if wanted and not any(word in name for word in wanted):
            continue
        torch.manual_seed(0)
        (ours, theirs), added = compared(make())
        print(f"\n{name}: {ours:.0f} / {theirs:.0f} us = {ours / theirs:.2f}; adds, profiled:")
        most = sorted(added, key=lambda each: -abs(added[each]))
        for each in most[:SHOWN]:
            print(f"  {added[each]:9.0f}  {each}")
        print(f"  {sum(added[each] for each in most[SHOWN:]):9.0f}  all others")


if __name__ == "__main__":
    main(sys.argv[1:])
