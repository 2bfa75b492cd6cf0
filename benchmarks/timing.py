"""Ratios that hold on a machine whose speed drifts: what is compared runs in turn, step by step."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

TRIMMED = 0.1  # share of the pairs left out at each end: other work on the machine


def mean_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Returns the mean of a over the mean of b, without the pairs whose ratio is most extreme.

    Example:
        >>> mean_ratio([(2.0, 1.0)] * 8 + [(90.0, 1.0), (1.0, 90.0)])
        2.0
    """
    ordered = sorted(pairs, key=lambda pair: pair[0] / pair[1])
    cut = int(len(ordered) * TRIMMED)
    kept = ordered[cut : len(ordered) - cut]
    return sum(a for a, _ in kept) / sum(b for _, b in kept)


def quartiles(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Returns the quartiles of the ratios of all pairs."""
    low, middle, high = statistics.quantiles([a / b for a, b in pairs], n=4)
    return low, middle, high


def interleaved(
    steps: Mapping[str, Callable[[], None]],
    *,
    before: Callable[[], None],
    seconds: float,
    rounds: tuple[int, int] = (4, 30),
) -> dict[str, float]:
    """Returns the median time of each step in seconds; each round runs every one of them once.

    Each round begins with another step, so that none always follows the same one.

    Args:
        steps: what is compared.
        before: runs before each of them, outside the time.
        seconds: how long the whole may take, about.
        rounds: the least and the most rounds that count; one more goes before.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    order = list(steps)
    gc.collect()
    gc.disable()  # a collection would fall into one of the steps
    wanted, done, begun = rounds[0], -1, time.perf_counter()
    while done < wanted:
        turn = max(done, 0) % len(order)
        for name in order[turn:] + order[:turn]:
            step = steps[name]
            before()
            start = time.perf_counter()
            step()
            if done >= 0:
                times[name].append(time.perf_counter() - start)
        done += 1
        gc.collect()
        if done == 1:
            wanted = int(seconds / (time.perf_counter() - begun) * 2)
            wanted = min(max(wanted, rounds[0]), rounds[1])
    gc.enable()
    return {name: statistics.median(each) for name, each in times.items()}
