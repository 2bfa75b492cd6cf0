"""What a step takes more than another one, operation by operation, in microseconds.

`python -m benchmarks.excess` profiles the engine beside its floor and the members of the families
beside the modules that they run, step by step in turn; with words, the pairs that have one of them
in their name. One thread, and nothing beside it.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from benchmarks import engine, families
from benchmarks.nets import Problem, mlp
from plait.balancing import Balancer, Equal, UPGrad

ROUNDS, WARM = 25, 2
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
    for name, width in {"MLP T=2": 512, "MLP T=2 of width 8": 8}.items():
        made = partial(_engine, width)
        yield f"UPGrad / floor, {name}", partial(made, UPGrad(), engine.floor)
        yield f"UPGrad at features / joint, {name}", partial(made, UPGrad(), at="features")
        yield f"Equal / joint, {name}", partial(made, Equal())
    for net, build in families.NETS.items():
        arguments = dict(families.members())
        for member in MEMBERS[net.split()[0]]:
            yield f"{member} / its modules, {net}", partial(_member, arguments[member], build)


def _engine(
    width: int,
    balancer: Balancer,
    base: Callable[[Problem], Step] = engine.joint,
    **options: Any,
) -> Pair:
    problem = mlp(2, width)
    return Pair(engine.engine(problem, balancer, **options), base(problem), problem.model.zero_grad)


def _member(
    arguments: Callable[[nn.Module], dict[str, Any]], build: Callable[[], tuple[nn.Module, Tensor]]
) -> Pair:
    encoder, inputs = build()
    model = families.model_of(arguments(encoder), inputs)
    return Pair(
        families.whole(model, inputs), families.modules_alone(model, inputs), model.zero_grad
    )


def by_operation(step: Step) -> tuple[dict[str, float], Counter[str]]:
    """Returns the microseconds of each operation in one step, and how often it ran."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        whole = timed(step)
    events = profiled.key_averages()
    found = {event.key: event.self_cpu_time_total for event in events}
    counts = Counter({event.key: event.count for event in events})
    return {**found, OUTSIDE: whole - sum(found.values())}, counts


def timed(step: Step) -> float:
    """Returns the microseconds of one step."""
    start = time.perf_counter()
    step()
    return 1e6 * (time.perf_counter() - start)


def compared(pair: Pair) -> tuple[tuple[float, float], dict[str, float], Counter[str]]:
    """Compares a step with its base.

    Returns:
        The medians of both without the profiler, what each operation adds, and how many more there
        are of it.
    """
    steps = (pair.step, pair.base)
    plain: tuple[list[float], list[float]] = ([], [])
    parts: tuple[dict[str, list[float]], ...] = (defaultdict(list), defaultdict(list))
    counts = [Counter[str](), Counter[str]()]
    for number in range(WARM + ROUNDS):
        for place, step in enumerate(steps):
            pair.before()
            taken = timed(step)
            pair.before()
            found, counts[place] = by_operation(step)
            if number >= WARM:
                plain[place].append(taken)
                for name, microseconds in found.items():
                    parts[place][name].append(microseconds)
    ours, theirs = ({name: statistics.median(t) for name, t in each.items()} for each in parts)
    added = {name: ours.get(name, 0) - theirs.get(name, 0) for name in {**ours, **theirs}}
    more = counts[0]
    more.subtract(counts[1])
    return (statistics.median(plain[0]), statistics.median(plain[1])), added, more


def main(wanted: list[str]) -> None:
    """Prints, for each pair, what the step adds and which operations do."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; medians of {ROUNDS}")
    for name, make in pairs():
        if wanted and not any(word in name for word in wanted):
            continue
        torch.manual_seed(0)
        (ours, theirs), added, more = compared(make())
        print(f"\n{name}: {ours:.0f} / {theirs:.0f} us = {ours / theirs:.2f}; adds, profiled:")
        most = sorted(added, key=lambda each: -abs(added[each]))
        for each in most[:SHOWN]:
            print(f"  {added[each]:9.0f}  {more[each]:+5d} x  {each}")
        print(f"  {sum(added[each] for each in most[SHOWN:]):9.0f}           all others")


if __name__ == "__main__":
    main(sys.argv[1:])
