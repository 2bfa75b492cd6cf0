"""The numbers of a comparison, worked out by hand from made-up results."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from plait.experiments.comparison.member import SINGLE, Member
from plait.experiments.comparison.outcome import comparison_of
from plait.experiments.comparison.runner import Runner
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.runs import Comparison, FinalTest, RunResult
from plait.tasks import Classification, Regression

TASKS = {
    "kind": Classification("kind", classes=2),
    "size": Regression("size"),
}


def result(seconds: float, values: dict[str, float]) -> RunResult:
    """A run that reaches one value in every metric of a task, half of it in validation."""
    metrics = {
        task: dict.fromkeys(TASKS[task].metric_prototypes, value) for task, value in values.items()
    }
    test = FinalTest(
        losses=dict.fromkeys(values, 1.0),
        metrics=metrics,
        trivial={task: dict.fromkeys(each, 0.1) for task, each in metrics.items()},
        counts=dict.fromkeys(values, 5.0),
        higher_is_better={
            task: dict.fromkeys(each, task == "kind") for task, each in metrics.items()
        },
    )
    return RunResult(
        seed=0,
        best_epoch=1,
        score=0.5,
        validation={t: {m: v / 2 for m, v in each.items()} for t, each in metrics.items()},
        test=test,
        tested="",
        steps=10,
        seconds=seconds,
        step_seconds=0.1,
        memory=1e6 * seconds,
        parameters=10 * len(values),
        size=40 * len(values),
    )


def trained(folder: Path, name: str, seconds: float, **values: float) -> Trained:
    return Trained(result(seconds, values), folder / name)


def compared(folder: Path, *x: dict[str, float]) -> Comparison:
    """Single-task networks reach 0.5 and 4; member x what is given, member y the same as these."""
    places = [folder / f"seed-{seed}" for seed in range(len(x))]
    baseline = MemberRuns(
        SINGLE,
        {
            "kind": [trained(place, "single-kind", 1.0, kind=0.5) for place in places],
            "size": [trained(place, "single-size", 1.5, size=4.0) for place in places],
        },
    )
    members = [
        MemberRuns(
            Member("x", "Family: X", "min L", {"lr": 1.0}),
            {"": [trained(place, "x", 2.0 + i, **x[i]) for i, place in enumerate(places)]},
        ),
        MemberRuns(
            Member("y", "Y"),
            {"": [trained(place, "y", 3.0, kind=0.5, size=4.0) for place in places]},
        ),
    ]
    return outcome(baseline, members, folder, len(x))


def outcome(
    baseline: MemberRuns, members: list[MemberRuns], folder: Path, seeds: int
) -> Comparison:
    return comparison_of([baseline, *members], runner_of(folder, seeds), title="t", note="n")


def runner_of(folder: Path, seeds: int) -> Runner:
    """A runner that has only to say its tasks, folder and seeds."""
    runner: Any = SimpleNamespace(tasks=TASKS, folder=folder, seeds=range(seeds))
    return cast("Runner", runner)


def test_changes_are_against_the_networks_of_the_same_seed(tmp_path: Path) -> None:
    found = compared(tmp_path, {"kind": 0.6, "size": 3.0}, {"kind": 0.4, "size": 2.0})
    assert found.seeds == [0, 1]
    for row in found.rows:
        # accuracy: 0.6 and 0.4 against 0.5; errors: 3 and 2 against 4
        expected = [20.0, -20.0] if row.task == "kind" else [25.0, 50.0]
        assert row.changes["x"] == pytest.approx(expected)
        assert row.changes["y"] == [0.0, 0.0]
        assert row.trivial == [0.1, 0.1]
    x, y = found.members
    assert x.delta_m == pytest.approx([(20 + 25) / 2, (-20 + 50) / 2])
    assert y.delta_m == [0.0, 0.0]
    assert x.validation["kind"]["accuracy"] == [0.3, 0.2]


def test_folders_are_relative_and_costs_are_kept_for_each_seed(tmp_path: Path) -> None:
    found = compared(tmp_path, {"kind": 0.6, "size": 3.0}, {"kind": 0.4, "size": 2.0})
    x, y = found.members
    assert x.folders == ["seed-0/x", "seed-1/x"]
    assert (x.seconds, x.parameters, x.size) == ([2.0, 3.0], 20, 80)
    assert (x.settings, y.formula) == ({"lr": 1.0}, "")
    assert found.single["size"].folders == ["seed-0/single-size", "seed-1/single-size"]
    assert (found.baseline.seconds, found.baseline.parameters) == ([2.5, 2.5], 20)
    assert found.baseline.memory == [1.5e6, 1.5e6], "of the larger of the two trainings"
    assert found.baseline.step_seconds == [0.2, 0.2], "a step of each"


def test_no_change_is_relative_to_nothing(tmp_path: Path) -> None:
    baseline = MemberRuns(
        SINGLE,
        {
            "kind": [trained(tmp_path, "single-kind", 1.0, kind=0.0)],
            "size": [trained(tmp_path, "single-size", 1.0, size=4.0)],
        },
    )
    x = MemberRuns(Member("x", "X"), {"": [trained(tmp_path, "x", 1.0, kind=0.6, size=3.0)]})
    found = outcome(baseline, [x], tmp_path, 1)
    row = next(row for row in found.rows if row.task == "kind")
    assert math.isnan(row.changes["x"][0])
    assert found.members[0].delta_m == [25.0]


def test_a_metric_that_is_undefined_has_its_reason_and_no_change(tmp_path: Path) -> None:
    reasons = {"kind": {"accuracy": "there is no label", "f1": "there is no label"}}
    one = result(1.0, {"kind": math.nan, "size": 3.0})
    one = replace(one, test=replace(one.test, undefined=reasons))
    baseline = MemberRuns(
        SINGLE,
        {
            "kind": [trained(tmp_path, "single-kind", 1.0, kind=0.5)],
            "size": [trained(tmp_path, "single-size", 1.0, size=4.0)],
        },
    )
    found = outcome(baseline, [MemberRuns(Member("x", "X"), {"": [Trained(one)]})], tmp_path, 1)
    assert found.undefined == reasons
    assert found.members[0].delta_m == [25.0]


def test_what_failed_has_no_numbers_and_its_reason(tmp_path: Path) -> None:
    baseline = MemberRuns(
        SINGLE,
        {
            "kind": [trained(tmp_path, "single-kind", 1.0, kind=0.5), Trained(None, failed="NaN")],
            "size": [trained(tmp_path, "single-size", 1.0, size=4.0)] * 2,
        },
    )
    x = trained(tmp_path, "x", 1.0, kind=0.6, size=3.0)
    found = outcome(baseline, [MemberRuns(Member("x", "X"), {"": [x, x]})], tmp_path, 2)
    assert found.baseline.failed == ["", "kind: NaN"]
    (member,) = found.members
    assert member.gains["kind"]["accuracy"][0] == pytest.approx(20.0)
    assert math.isnan(member.gains["kind"]["accuracy"][1])
    assert member.gains["size"]["mae"] == [25.0, 25.0]
    assert math.isnan(member.delta_m[1]), "a mean over other tasks would be another number"
    assert found.single["kind"].parameters == 10
