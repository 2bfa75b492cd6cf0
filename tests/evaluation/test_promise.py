"""What intervals promise, on simulated comparisons, each with networks and a test part of its own.

A network answers a row rightly with a chance that falls with the row's difficulty, which all
networks share, and rises with its skill, which differs from seed to seed. Resamples are drawn as
those of a run are. "Better" or "worse" anywhere, where there is no difference, is a false alarm.
"""

from collections.abc import Mapping

import numpy as np
import pytest

from plait.evaluation import (
    Interval,
    interval,
    relative_change,
    verdicts,
)
from plait.evaluation.units import Units

ROWS, DRAWS = 500, 200
Key = tuple[int, str]  # member, and task or "" for the mean over tasks


def counts(rows: int = ROWS) -> np.ndarray:
    """How often each resample has each row, `[B, rows]`."""
    units = Units({"": rows})
    return units.draws(("", ""), DRAWS).numpy()


def correct(
    generator: np.random.Generator, *, members: int, tasks: int, seeds: int, spread: float
) -> np.ndarray:
    """Right answers of the baseline (first) and the members: `[1 + members, tasks, seeds, rows]`.

    Args:
        spread: standard deviation of the skills over the seeds, in logits.
    """
    difficulty = generator.normal(1.0, 2.0, (tasks, 1, ROWS))
    skill = generator.normal(0.0, spread, (1 + members, tasks, seeds, 1))
    chance = 1 / (1 + np.exp(-(difficulty + skill)))
    return (generator.random(chance.shape) < chance).astype(np.float64)


def intervals(right: np.ndarray, drawn: np.ndarray) -> Mapping[Key, Interval]:
    """The intervals of a comparison: of each member and task, and of each member's delta_m."""
    values, resampled = right.mean(axis=-1), right @ drawn.T / right.shape[-1]
    found: dict[Key, Interval] = {}
    for member in range(1, len(right)):
        gains = relative_change(values[member], values[0], higher_is_better=True)
        noisy = relative_change(
            resampled[member], resampled[0], of=values[0, ..., None], higher_is_better=True
        )
        for task in range(len(gains)):
            found[member, str(task)] = interval(gains[task], noisy[task], units=right.shape[-1])
        mean = gains.mean(axis=0), noisy.mean(axis=0)  # delta_m, of one metric for each task
        found[member, ""] = interval(*mean, units=right.shape[-1])
    return found


def alarms(number: int, *, seeds: int, spread: float) -> float:
    """The share of comparisons without a difference that say better or worse anywhere."""
    drawn, generator, wrong = counts(), np.random.default_rng(seeds), 0
    for _ in range(number):
        right = correct(generator, members=8, tasks=3, seeds=seeds, spread=spread)
        said = verdicts(intervals(right, drawn))
        wrong += any(verdict in ("better", "worse") for _, verdict in said.values())
    return wrong / number


def bound(number: int) -> float:
    """5 % and twice the standard error of a share of so many."""
    return 0.05 + 2 * (0.05 * 0.95 / number) ** 0.5


# With one seed nothing tells how far another would have gone: the two networks are compared
CASES = [(1, 0.0), (3, 0.0), (3, 0.2), (5, 0.2), (5, 1.0)]


@pytest.mark.parametrize(("seeds", "spread"), CASES)
def test_without_a_difference_few_comparisons_say_one(seeds: int, spread: float) -> None:
    assert alarms(200, seeds=seeds, spread=spread) <= bound(200)


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "spread"), [*CASES, (2, 0.0), (2, 0.3), (3, 1.0)])
def test_so_it_is_in_many_more(seeds: int, spread: float) -> None:
    assert alarms(2000, seeds=seeds, spread=spread) <= bound(2000)


def found(errors: float, *, seeds: int, test: float, number: int = 200) -> float:
    """The share of comparisons that find a difference of so many standard errors.

    Args:
        test: share of the variance of the mean that is of the test part; the rest is of the seeds.
    """
    generator, better = np.random.default_rng(seeds), 0
    of_test, of_seed = test**0.5, ((1 - test) * seeds) ** 0.5
    for _ in range(number):
        own = errors + of_test * generator.normal() + of_seed * generator.normal(size=seeds)
        noisy = own[:, None] + of_test * generator.normal(size=DRAWS)
        better += verdicts({"": interval(own, noisy, units=ROWS)})[""][1] == "better"
    return better / number


@pytest.mark.parametrize(
    ("errors", "seeds", "test", "share"),
    [
        (3.0, 1, 1.0, 0.8),
        (3.0, 3, 0.9, 0.6),
        (3.0, 5, 0.8, 0.7),
        (3.0, 5, 0.5, 0.6),
        (6.0, 3, 0.5, 0.8),
        (6.0, 5, 0.5, 0.95),
    ],
)
def test_a_real_difference_is_found(errors: float, seeds: int, test: float, share: float) -> None:
    """As often as Student's t allows: three seeds have two degrees of freedom."""
    assert found(errors, seeds=seeds, test=test) >= share


def test_more_seeds_find_more() -> None:
    shares = [found(3.0, seeds=seeds, test=0.5) for seeds in (2, 3, 5, 10)]
    assert shares == sorted(shares)
