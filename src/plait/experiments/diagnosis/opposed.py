"""Pairs of tasks in conflict, beyond what the noise of the batches may show."""

from __future__ import annotations

import math
from itertools import combinations

from plait.core.extras import need
from plait.runs.diagnosis import Conflict, Opposed

LEVEL = 0.05  # of all pairs together
SLIGHT = -0.05  # a mean cosine above it changes no step to speak of
LEAST = 4  # batches of a pair


def opposed_pairs(found: Conflict) -> list[Opposed]:
    """Returns the pairs whose mean cosine is below zero beyond doubt, the worst first.

        mean +- t s / sqrt(n),  t of Student's distribution at level 0.05 / pairs

    over the n batches in which both have a gradient, four at least; and a mean of at most -0.05: a
    smaller one changes no step to speak of.

    Args:
        found: over all shared parameters, with its matrices.
    """
    stats = need("scipy.stats", extra="app", purpose="An interval of the cosines")
    pairs = [
        (i, j)
        for i, j in combinations(range(len(found.tasks)), 2)
        if found.cosines and found.counts[i][j] >= LEAST
    ]
    opposed = []
    for i, j in pairs:
        mean, spread, count = found.cosines[i][j], found.deviations[i][j], found.counts[i][j]
        if mean is None or spread is None or mean > SLIGHT:
            continue
        times = float(stats.t.ppf(1 - LEVEL / len(pairs) / 2, count - 1))
        half = times * spread / math.sqrt(count)
        if mean + half < 0:
            opposed.append(
                Opposed(
                    first=found.tasks[i],
                    second=found.tasks[j],
                    cosine=mean,
                    low=max(mean - half, -1.0),
                    high=mean + half,
                    rate=found.rates[i][j] or 0.0,
                )
            )
    return sorted(opposed, key=lambda pair: pair.cosine)
