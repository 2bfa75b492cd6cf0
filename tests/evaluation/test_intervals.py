"""Intervals against closed forms and scipy's t-tests; what they promise is in test_promise.py."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from plait.core.errors import ShapeError
from plait.evaluation import Interval, interval, verdicts

VALUES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 6)), min_size=2, max_size=7)


def draws(seeds: int, number: int = 50, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    """Resampled changes: a noise that the seeds share, and one of each."""
    generator = np.random.default_rng(seed)
    shared, own = generator.normal(size=number), generator.normal(size=(seeds, number))
    return scale * (shared + 0.3 * own)


@given(VALUES)
def test_without_resamples_it_is_the_t_test_of_the_seeds(values: list[float]) -> None:
    assume(np.ptp(values) > 1e-6)
    found = interval(values)
    expected = stats.ttest_1samp(values, 0.0)
    bounds = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert found.deviation == pytest.approx(np.std(values, ddof=1))
    assert (found.of_seeds, found.of_test) == (True, False)


def test_with_one_seed_it_is_the_noise_of_the_test_part_alone() -> None:
    resampled = draws(1)
    found = interval([1.5], resampled, units=30)
    error = resampled.std(ddof=1) * math.sqrt(30 / 29)
    assert found.p == pytest.approx(2 * stats.t.sf(1.5 / error, 29))
    half = stats.t.ppf(0.975, 29) * error
    assert (found.low, found.high) == pytest.approx((1.5 - half, 1.5 + half))
    assert math.isnan(found.deviation)
    assert (found.of_seeds, found.of_test) == (False, True)
    most = interval([1.5], resampled, units=1000)  # no more degrees of freedom than draws
    half = stats.t.ppf(0.975, 49) * resampled.std(ddof=1) * math.sqrt(1000 / 999)
    assert (most.low, most.high) == pytest.approx((1.5 - half, 1.5 + half))


def test_both_noises_are_joined_each_with_its_own_quantile() -> None:
    changes, resampled, units = np.array([1.0, 2.5, 3.0]), draws(3), 20
    found = interval(changes, resampled, units=units)
    pairs = [np.cov(resampled[a], resampled[b])[0, 1] for a, b in ((0, 1), (0, 2), (1, 2))]
    test, seeds = np.mean(pairs) * units / (units - 1), changes.var(ddof=1) / 3
    half = math.sqrt(test * stats.t.ppf(0.975, 19) ** 2 + seeds * stats.t.ppf(0.975, 2) ** 2)
    assert (found.low, found.high) == pytest.approx((changes.mean() - half, changes.mean() + half))
    left = [stats.t.isf(found.p / 2, degrees) for degrees in (19, 2)]
    assert found.mean**2 == pytest.approx(test * left[0] ** 2 + seeds * left[1] ** 2)


def test_seeds_that_agree_by_chance_do_not_hide_how_the_networks_vary() -> None:
    """Together, the noises are no less than the variance of the mean over resamples."""
    resampled = np.random.default_rng(0).normal(size=(2, 200))  # nothing in common
    found = interval([2.0, 2.0], resampled, units=10**6)
    half = stats.t.ppf(0.975, 199) * resampled.mean(axis=0).std(ddof=1)
    assert found.high - found.mean == pytest.approx(half, rel=1e-5)


@given(VALUES, st.floats(0.1, 10), st.floats(0.01, 100))
def test_a_change_of_unit_and_sign_changes_nothing_else(
    values: list[float], scale: float, unit: float
) -> None:
    assume(np.ptp(values) > 1e-3)
    resampled = draws(len(values), scale=scale)
    one = interval(values, resampled, units=40)
    other = interval(-unit * np.array(values), -unit * resampled, units=40)
    assert other.p == pytest.approx(one.p, rel=1e-6, abs=1e-12)
    assert other.mean == pytest.approx(-unit * one.mean)
    assert (other.low, other.high) == pytest.approx((-unit * one.high, -unit * one.low))


@given(VALUES, st.floats(0.01, 10))
def test_more_noise_is_a_wider_interval_around_the_same_mean(
    values: list[float], scale: float
) -> None:
    assume(np.ptp(values) > 1e-3)
    resampled = draws(len(values), scale=scale)
    one, more = (interval(values, times * resampled, units=500) for times in (1, 3))
    assert one.low <= one.mean <= one.high
    assert (one.low + one.high) / 2 == pytest.approx(one.mean, abs=1e-6)
    assert one.high - one.low < more.high - more.low
    assert one.mean == more.mean


@given(st.integers(2, 6), st.floats(-8, 3), st.floats(-8, 3), st.floats(-8, 6), st.integers(0, 9))
def test_any_sizes_of_noises_and_means_have_a_p(
    seeds: int, test: float, chance: float, mean: float, seed: int
) -> None:
    """It is in 0..1 and does not grow with the mean."""
    own = 10.0**chance * np.random.default_rng(seed).normal(size=seeds)
    own -= own.mean()
    resampled = draws(seeds, scale=10.0**test, seed=seed)
    one, more = (interval(10.0**size + own, resampled, units=99) for size in (mean, mean + 0.5))
    if one.undefined:
        assert not one.p <= 1
        return
    assert 0 <= more.p <= one.p <= 1


def test_zero_is_in_the_interval_where_p_says_so() -> None:
    for mean in np.linspace(-4, 4, 33):
        found = interval(mean + np.array([-0.5, 0.0, 0.7]), draws(3), units=100)
        assert (found.low <= 0 <= found.high) == (found.p >= 0.05)
        wide = interval(mean + np.array([-0.5, 0.0, 0.7]), draws(3), units=100, level=0.99)
        assert (wide.low <= 0 <= wide.high) == (wide.p >= 0.01)


def test_seeds_that_are_equal_add_no_noise() -> None:
    resampled = np.repeat(draws(1), 3, axis=0)
    one, three = interval([3.3], resampled[:1], units=50), interval([3.3] * 3, resampled, units=50)
    assert three.p == pytest.approx(one.p)
    assert three.deviation == 0.0


def test_networks_that_are_equal_differ_by_nothing() -> None:
    for resampled in (None, np.zeros((3, 20)), np.full((3, 20), 1e-14)):
        found = interval([0.0, 1e-13, -1e-15], resampled, units=100)
        assert (found.mean, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
    assert not found.undefined


@pytest.mark.parametrize(
    ("changes", "resampled", "units", "reason"),
    [
        ([1.0, math.nan, 2.0], None, 0, "1 of 3 seeds has no finite value"),
        ([math.nan, math.inf], draws(2), 9, "2 of 2 seeds have no finite value"),
        ([1.0], None, 0, "one seed without resamples of the test part shows no noise"),
        ([1.0], draws(1), 1, "one seed without resamples of the test part shows no noise"),
        ([3.3, 3.3, 3.3], None, 0, "neither seeds nor resamples of the test part vary"),
        ([-100.0], np.full((1, 9), -100.0), 9, "neither seeds nor resamples"),
        (
            [1.0, 2.0],
            np.where(np.arange(10) < 6, math.nan, draws(2, 10)),
            9,
            "6 of 10 resamples of the test part do not define it",
        ),
    ],
)
def test_what_cannot_be_said(changes, resampled, units: int, reason: str) -> None:
    found = interval(changes, resampled, units=units)
    assert found.undefined.startswith(reason)
    assert all(map(math.isnan, (found.low, found.high, found.p)))
    assert verdicts({"m": found})["m"][1] == "undefined"


def test_resamples_that_do_not_define_a_metric_are_left_out() -> None:
    resampled = draws(2, 40)
    holes = resampled.copy()
    holes[0, :5], holes[1, 3:9] = math.nan, math.nan
    found = interval([1.0, 2.0], holes, units=25)
    assert found == interval([1.0, 2.0], resampled[:, 9:], units=25)


@pytest.mark.parametrize(
    ("changes", "resampled", "words"),
    [
        ([], None, r"`changes` must be \[S\].*found \[0\]"),
        ([[1.0]], None, r"found \[1, 1\]"),
        (
            [1.0, 2.0],
            [[1.0, 2.0]],
            r"must be \[S, B\] with S = 2 seeds; found \[1, 2\]",
        ),
        ([1.0], [1.0, 2.0], r"found \[2\]"),
    ],
)
def test_shapes(changes, resampled, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        interval(changes, resampled, units=4)


def said(mean: float, p: float) -> Interval:
    return Interval(mean, 1.0, mean - 1, mean + 1, p, of_seeds=True, of_test=True)


def test_better_and_worse_are_said_after_the_correction_alone() -> None:
    nothing = interval([math.nan])
    found = verdicts(
        {"a": said(2.0, 0.01), "b": said(-2.0, 0.012), "c": said(2.0, 0.03), "d": nothing}
    )
    assert {key: verdict for key, (_, verdict) in found.items()} == {
        "a": "better",
        "b": "worse",
        "c": "better",  # the last of three that are tested is not corrected
        "d": "undefined",
    }
    assert [round(p, 3) for p, _ in found.values()][:3] == [0.03, 0.03, 0.03]
    assert verdicts({"a": said(1.0, 0.03), "b": said(1.0, 0.03)})["a"][1] == "no clear difference"
    assert verdicts({"a": said(1.0, 0.03)}, level=0.01)["a"][1] == "no clear difference"
