"""The interval of a change, from seeds and from resamples of the test part."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from plait.core.errors import ShapeError
from plait.core.extras import need
from plait.evaluation.holm import holm
from plait.runs.comparison import Verdict

Array = np.ndarray[Any, Any]
Key = TypeVar("Key", bound=Hashable)
Noises = Sequence[tuple[float, int]]  # variances, and their degrees of freedom
LEAST = 1e-100  # p is not told apart below it
PRECISION = 1e-9  # of p, relative
ROUNDING = 1e-9  # per cent: a smaller change is that of the last bits


@dataclass(frozen=True)
class Interval:
    """A mean change, and how far chance may have moved it.

    Attributes:
        mean: over the seeds.
        deviation: sample standard deviation over the seeds; NaN of one seed.
        low: lower end of the interval.
        high: upper end.
        p: probability of a mean as far from 0, if there were no difference.
        of_seeds: whether it has the noise of the seeds; not with one seed.
        of_test: whether it has the noise of the test part; not without resamples.
        undefined: why interval and p are NaN, as what follows "because"; empty if they are not.
    """

    mean: float
    deviation: float
    low: float
    high: float
    p: float
    of_seeds: bool
    of_test: bool
    undefined: str = ""


def interval(
    changes: Sequence[float] | Array,
    resampled: Sequence[Sequence[float]] | Array | None = None,
    *,
    units: int = 0,
    level: float = 0.95,
) -> Interval:
    """Computes the interval of a mean change that joins the noise of test part and seeds.

        mean     = 1/S sum_s c_s
        interval = mean +- sqrt(t_T^2 v_T + t_S^2 v_S)
        v_S      = var_s(c_s)/S                           noise of the seeds
        v_T      = max(mean_(s<s') cov_b(c_sb, c_s'b),    noise of the test part
                       var_b(mean_s c_sb) - v_S)

    with the changes c_s of S seeds, their values c_sb on B resamples of the test part, sample
    variances var and covariances cov (those over resamples times n/(n - 1) for n units). All seeds
    are tested on the same rows: what they have in common there is the covariance, and what each of
    them does by itself is in v_S already. Yet together they are no less than the networks at hand
    vary over test parts, which is all that one seed shows.

    The quantiles t are those of Student's distribution, t_S with S - 1 degrees of freedom and t_T
    with min(n, B) - 1; p is that of the interval which ends at 0. With normal noise such an
    interval covers at least as often as it says, whatever the two variances are. Degrees of freedom
    by Welch and Satterthwaite do not: of many members, one has seeds that agree by chance, and its
    interval would be narrow. Percentiles over 3 to 5 seeds would be far too narrow as well.

    One seed tells nothing of the noise of seeds: the interval is then about the two networks at
    hand, on another test part (`of_seeds` is False), and not about the two ways to train.

    Args:
        changes: `[S]`, of each seed; in per cent.
        resampled: `[S, B]`, each draw of the same rows for all seeds. NaN where a resample does not
            define the metric: such draws are left out. None, or one unit, and the noise of the test
            part is not told.
        units: of the test part with a label, n; see `plait.runs.resamples.Resamples`.
        level: of the interval, in 0..1; 0.95 by default.

    Returns:
        The interval. It is undefined where a seed has no change (it failed, the metric is not
        defined there, or the baseline is 0): the mean of the others would flatter a member that
        fails now and then; where fewer than half of the resamples define the metric; with one seed
        and no resamples; and where nothing varies, and the mean is not 0. A mean of 0 that does not
        vary, as of equal networks, has p = 1.

    Raises:
        ShapeError: `changes` is not `[S]`, S > 0, or `resampled` not `[S, B]`.

    Reference: Banerjee, "Approximate Confidence Interval for Linear Functions of Means of k
        Populations When the Population Variances Are Not Equal", Sankhya 1960.

    Example:
        >>> found = interval([1.0, 2.0, 3.0])
        >>> [round(each, 3) for each in (found.mean, found.low, found.high, found.p)]
        [2.0, -0.484, 4.484, 0.074]
    """
    own = _exact(np.asarray(changes, dtype=np.float64))
    if own.ndim != 1 or not own.size:
        raise ShapeError(f"`changes` must be [S], one for each seed; found {list(own.shape)}.")
    seeds = own.size
    draws = np.zeros((seeds, 0)) if resampled is None else np.asarray(resampled, dtype=np.float64)
    if draws.ndim != 2 or len(draws) != seeds:
        raise ShapeError(
            f"`resampled` must be [S, B] with S = {seeds} seeds; found {list(draws.shape)}."
        )
    defined = np.asarray(np.isfinite(draws).all(axis=0))
    draws = _exact(draws[:, defined])
    of_seeds, of_test = seeds > 1, draws.shape[1] > 1 and units > 1
    mean = float(own.mean()) if np.isfinite(own).all() else math.nan
    deviation = math.sqrt(float(_variance(own)))
    chance = float(_variance(own)) / seeds if of_seeds else 0.0
    test = _of_test(draws, units / (units - 1), chance) if of_test else 0.0
    reason = _undefined(own, defined, test + chance, of_seeds or of_test)
    if reason:
        nan = math.nan
        return Interval(mean, deviation, nan, nan, nan, of_seeds, of_test, reason)
    both = [(test, min(units, draws.shape[1]) - 1), (chance, seeds - 1)]
    noises = [(variance, degrees) for variance, degrees in both if variance]
    half, p = _half_width(1 - level, noises), _outside(abs(mean), noises)
    return Interval(mean, deviation, mean - half, mean + half, p, of_seeds, of_test)


def verdicts(
    intervals: Mapping[Key, Interval], *, level: float = 0.05
) -> dict[Key, tuple[float, Verdict]]:
    """Judges changes that are reported together, after Holm's correction over all of them.

    Args:
        intervals: of each change, such as `{(member, task): interval}`.
        level: the chance of any wrong "better" or "worse" among them; 0.05 by default.

    Returns:
        `{key: (adjusted p, verdict)}`: "better" or "worse" where the adjusted p is at most `level`,
        else "no clear difference"; "undefined" with NaN where the interval is.
    """
    adjusted = holm([each.p for each in intervals.values()])
    return {
        key: (p, _verdict(each, p, level))
        for (key, each), p in zip(intervals.items(), adjusted, strict=True)
    }


def _verdict(found: Interval, adjusted: float, level: float) -> Verdict:
    if found.undefined:
        return "undefined"
    if adjusted > level:
        return "no clear difference"
    return "better" if found.mean > 0 else "worse"


def _undefined(own: Array, defined: Array, variance: float, noisy: bool) -> str:
    """Says why nothing can be said of the noise; "" if something can."""
    absent = int((~np.isfinite(own)).sum())
    if absent:
        return f"{absent} of {own.size} seeds {'has' if absent == 1 else 'have'} no finite value"
    if defined.size and 2 * defined.sum() < defined.size:
        return (
            f"{defined.size - int(defined.sum())} of {defined.size} resamples of the test part do "
            "not define it"
        )
    if not noisy:
        return "one seed without resamples of the test part shows no noise"
    if not variance and own.mean():
        return "neither seeds nor resamples of the test part vary"
    return ""


def _of_test(draws: Array, factor: float, chance: float) -> float:
    """Estimates the variance by the test part, beside that by chance of the seeds."""
    seeds = len(draws)
    mean = factor * float(_variance(draws.mean(axis=0)))
    if seeds == 1:
        return mean
    each = factor * float(_variance(draws).sum())
    shared = (seeds**2 * mean - each) / (seeds * (seeds - 1))
    return max(shared, mean - chance, 0.0)


def _variance(values: Array) -> Array:
    """Computes sample variances over the last axis, 0 of values that differ by rounding.

    NaN of a single value, and where one is not finite.
    """
    count = values.shape[-1]
    if count < 2 or not np.isfinite(values).all():
        return np.full(values.shape[:-1], math.nan)
    centred = values - values.mean(axis=-1, keepdims=True)
    equal = np.abs(centred).max(axis=-1) <= ROUNDING * np.abs(values).max(axis=-1)
    return np.where(equal, 0.0, (centred**2).sum(axis=-1) / (count - 1))


def _exact(values: Array) -> Array:
    """Returns changes with 0 for those that are rounding."""
    return np.where(np.abs(values) < ROUNDING, 0.0, values)


def _half_width(outside: float, noises: Noises) -> float:
    """Computes half the width of the interval that leaves so much outside."""
    student = need("scipy.special", extra="app", purpose="An interval").stdtrit
    return math.sqrt(sum(v * float(student(own, outside / 2)) ** 2 for v, own in noises))


def _outside(distance: float, noises: Noises) -> float:
    """Computes how much the interval with this half width leaves outside: p."""
    if not distance:
        return 1.0
    student = need("scipy.special", extra="app", purpose="An interval").stdtr
    error = math.sqrt(sum(variance for variance, _ in noises))
    tails = [2 * float(student(own, -distance / error)) for _, own in noises]
    low, high = max(min(tails), LEAST), max(tails)  # if all noise had the most, or fewest, degrees
    if len(noises) == 1 or high <= low:
        return high
    root = need("scipy.optimize", extra="app", purpose="An interval").brentq

    def missing(log: float) -> float:
        return _half_width(math.exp(log), noises) - distance

    ends = math.log(low), math.log(high)
    if missing(ends[0]) <= 0:  # by rounding, since p is between the two
        return low
    if missing(ends[1]) >= 0:
        return high
    return math.exp(root(missing, *ends, xtol=PRECISION))
