"""Many tasks in a few numbers: quantiles, the worst and the best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

MANY = 32
"""The most tasks that pages, tables and logs have one by one, with all their digits."""

QUANTILES = (5, 25, 50, 75, 95)
"""Per cent of the tasks, whose numbers are shown of more."""


def quantiles(values: Iterable[float]) -> list[float]:
    """Returns the quantiles of what is finite, by `QUANTILES`; NaN where nothing is.

    Example:
        >>> quantiles([*range(101), math.nan])
        [5.0, 25.0, 50.0, 75.0, 95.0]
    """
    numbers = np.array(list(values), dtype=np.float64)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return [math.nan] * len(QUANTILES)
    found: list[float] = np.percentile(known, QUANTILES).tolist()
    return found


def quantile_name(share: int) -> str:
    """Returns the name of a quantile of so many per cent.

    Example:
        >>> quantile_name(50), quantile_name(95)
        ('median', '95 % quantile')
    """
    return "median" if share == 50 else f"{share} % quantile"


def worst_and_best(scores: Mapping[str, float], most: int) -> tuple[list[str], list[str]]:
    """Returns the names with the lowest and with the highest scores, the lowest first in both.

    Args:
        scores: `{name: score}`, higher is better; a name without a finite one is left out.
        most: of the names in each of the two lists; none is in both.

    Example:
        >>> worst_and_best({"a": 3.0, "b": 1.0, "c": math.nan, "d": 2.0}, most=1)
        (['b'], ['a'])
    """
    order = sorted((name for name in scores if math.isfinite(scores[name])), key=scores.__getitem__)
    most = min(most, len(order) // 2)
    return order[:most], order[len(order) - most :]


def main_skills(
    metrics: Mapping[str, Mapping[str, float]],
    trivial: Mapping[str, Mapping[str, float]],
    higher_is_better: Mapping[str, Mapping[str, bool]],
) -> dict[str, float]:
    """Returns the skill of each task: 0 for the trivial predictor, 1 for a perfect main metric.

        skill = (m - trivial) / (perfect - trivial),   perfect = 1 where higher is better, else 0

    Args:
        metrics: `{task: {metric: value}}`, the main metric first.
        trivial: the same of the best constant prediction.
        higher_is_better: `{task: {metric: direction}}`.

    Returns:
        `{task: skill}`; NaN where the trivial predictor or the direction is not known, or where
        the metric has other bounds.

    Example:
        >>> main_skills({"a": {"auc": 0.75}}, {"a": {"auc": 0.5}}, {"a": {"auc": True}})
        {'a': 0.5}
    """
    found: dict[str, float] = {}
    for task, values in metrics.items():
        for name, value in list(values.items())[:1]:
            base = trivial.get(task, {}).get(name, math.nan)
            higher = higher_is_better.get(task, {}).get(name)
            if higher is None or (max(value, base) > 1 if higher else min(value, base) < 0):
                found[task] = math.nan
            else:
                gap = float(higher) - base
                found[task] = (value - base) / gap + 0.0 if gap else math.nan  # no -0.0
    return found
