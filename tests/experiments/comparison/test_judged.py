"""Changes with their intervals, against the functions on numbers that make them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plait.evaluation.intervals import interval
from plait.experiments.comparison.judged import judged
from plait.experiments.comparison.member import SINGLE, Member
from plait.experiments.comparison.outcome import comparison_of
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.runs import Comparison
from plait.runs.resamples import Resamples
from tests.experiments.comparison.test_outcome import result, runner_of

DRAWS = 50


def one(seed: int, **values: float) -> Trained:
    """A network with resamples that vary round its values by a tenth."""
    generator = np.random.default_rng(seed)
    made = result(1.0, values)
    metrics = {
        task: {
            metric: (value * (1 + 0.1 * generator.standard_normal(DRAWS))).tolist()
            for metric, value in each.items()
        }
        for task, each in made.test.metrics.items()
    }
    units = dict.fromkeys(metrics, 40)
    return Trained(made, resamples=Resamples(draws=DRAWS, of="rows", units=units, metrics=metrics))


def compared(
    tmp_path: Path, seeds: int, *, resampled: bool = True
) -> tuple[Comparison, list[MemberRuns]]:
    def runs(member: Member, seed: int, **values: float) -> MemberRuns:
        found = [one(seed + place, **values) for place in range(seeds)]
        if not resampled:
            found = [replace(each, resamples=None) for each in found]
        return MemberRuns(member, {"": found})

    everyone = [
        runs(SINGLE, 0, kind=0.5, size=4.0),
        runs(Member("good", "Good"), 10, kind=0.9, size=2.0),
        runs(Member("same", "Same"), 20, kind=0.5, size=4.0),
    ]
    found = comparison_of(everyone, runner_of(tmp_path, seeds), title="t", note="n")
    return found, everyone


def test_a_change_is_that_of_the_paired_draws(tmp_path: Path) -> None:
    found, (base, good, _) = compared(tmp_path, seeds=2)
    change = found.change("good", "size", "mae")
    assert change is not None
    draws = []
    for place in range(2):
        own, single = good.resamples(place, "size"), base.resamples(place, "size")
        assert own is not None
        assert single is not None
        errors = zip(own.metrics["size"]["mae"], single.metrics["size"]["mae"], strict=True)
        draws.append([-100 * (mine - theirs) / 4.0 for mine, theirs in errors])
    expected = interval([50.0, 50.0], draws, units=40)
    assert (change.low, change.high, change.p) == (expected.low, expected.high, expected.p)
    assert change.verdict == "better"
    assert change.adjusted >= change.p


def test_only_main_metrics_and_the_mean_are_judged(tmp_path: Path) -> None:
    found, _ = compared(tmp_path, seeds=2)
    judged_ = {(c.member, c.task, c.metric) for c in found.changes if c.verdict}
    main = {task: next(iter(infos)) for task, infos in found.metrics.items()}
    expected = {(m, task, metric) for m in ("good", "same") for task, metric in main.items()}
    assert judged_ == expected | {("good", "", "delta_m"), ("same", "", "delta_m")}
    same = found.change("same")
    assert same is not None
    assert same.verdict == "no clear difference"
    assert all(math.isnan(c.adjusted) for c in found.changes if not c.verdict)


def test_delta_m_is_the_mean_of_the_draws(tmp_path: Path) -> None:
    found, _ = compared(tmp_path, seeds=2)
    change = found.change("good")
    assert change is not None
    assert change.mean == pytest.approx(np.mean(found.members[0].delta_m))
    assert change.low < change.mean < change.high


def test_without_resamples_the_seeds_alone_tell(tmp_path: Path) -> None:
    found, _ = compared(tmp_path, seeds=1, resampled=False)
    assert {c.verdict for c in found.changes} <= {"undefined", ""}
    assert all(c.undefined for c in found.changes)


def test_nothing_is_judged_that_is_not_there() -> None:
    assert judged(MemberRuns(SINGLE, {}), [], {}) == []
