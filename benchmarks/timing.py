"""Interleaved timing: what is compared runs in turn, so that a drifting machine hits both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def interleave(
    contenders: Mapping[str, Callable[[], None]], *, rounds: int, warmup: int = 1
) -> dict[str, list[float]]:
    """Returns `{name: seconds of each round}`; each round runs every contender once, in turn.

    The order is reversed in every second round, so that none always runs after the same other.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(warmup + rounds):
        names = list(contenders)
        for name in names if number % 2 == 0 else reversed(names):
            started = time.perf_counter()
            contenders[name]()
            if number >= warmup:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def ratios(seconds: Mapping[str, list[float]], name: str, base: str) -> tuple[float, float, float]:
    """Returns lower quartile, median and upper quartile of name / base, pair by pair."""
    pairs = [a / b for a, b in zip(seconds[name], seconds[base], strict=True)]
    low, middle, high = statistics.quantiles(pairs, n=4)
    return low, middle, high
