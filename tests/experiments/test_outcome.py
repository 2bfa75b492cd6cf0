"""The numbers of a comparison, worked out by hand from made-up results."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from plait.evaluation import Evaluation
from plait.experiments.members import Member
from plait.experiments.outcome import SeedRuns, comparison_of
from plait.experiments.run import Result
from plait.tasks import Classification, Regression

TASKS = {
    "kind": Classification("kind", classes=2),
    "size": Regression("size"),
}
MEMBERS = [Member("x", "Family: X", "min L", {}), Member("y", "Y", "", {})]


def result(folder: Path, seconds: float, values: dict[str, float]) -> Result:
    """A run that reaches one value in every metric of a task."""
    metrics = {
        task: dict.fromkeys(TASKS[task].metric_prototypes, value) for task, value in values.items()
    }
    trivial = {task: dict.fromkeys(each, 0.1) for task, each in metrics.items()}
    test = Evaluation(dict.fromkeys(values, 1.0), metrics, trivial, dict.fromkeys(values, 5.0))
    return Result(folder, test, seconds, 10 * len(values), 1, 0.5, {})


def trained(folder: Path, seed: int, kind: float, size: float) -> SeedRuns:
    """Single-task networks reach 0.5 and 4; member x what is given, member y the same as these."""
    place = folder / f"seed-{seed}"
    runs = SeedRuns(seed, place)
    runs.joint["x"] = result(place / "x", 2.0 + seed, {"kind": kind, "size": size})
    runs.joint["y"] = result(place / "y", 3.0, {"kind": 0.5, "size": 4.0})
    runs.single["kind"] = result(place / "single-kind", 1.0, {"kind": 0.5})
    runs.single["size"] = result(place / "single-size", 1.5, {"size": 4.0})
    return runs


def test_changes_are_against_the_networks_of_the_same_seed(tmp_path: Path) -> None:
    both = [trained(tmp_path, 0, 0.6, 3.0), trained(tmp_path, 1, 0.4, 2.0)]
    found = comparison_of(both, MEMBERS, TASKS, tmp_path, title="t", note="n")
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


def test_folders_are_relative_and_costs_are_kept_for_each_seed(tmp_path: Path) -> None:
    both = [trained(tmp_path, 0, 0.6, 3.0), trained(tmp_path, 1, 0.4, 2.0)]
    found = comparison_of(both, MEMBERS, TASKS, tmp_path, title="t", note="n")
    x, y = found.members
    assert x.folders == ["seed-0/x", "seed-1/x"]
    assert (x.seconds, x.parameters) == ([2.0, 3.0], 20)
    assert (y.title, y.formula) == ("Y", "")
    assert found.single["size"].folders == ["seed-0/single-size", "seed-1/single-size"]
    assert (found.single_seconds, found.single_parameters) == (2.5, 20)


def test_no_change_is_relative_to_nothing(tmp_path: Path) -> None:
    runs = trained(tmp_path, 0, 0.6, 3.0)
    runs.single["kind"] = result(tmp_path / "seed-0/single-kind", 1.0, {"kind": 0.0})
    found = comparison_of([runs], MEMBERS, TASKS, tmp_path, title="t", note="n")
    row = next(row for row in found.rows if row.task == "kind")
    assert all(math.isnan(change) for (change,) in row.changes.values())
    assert not any(math.isnan(member.delta_m[0]) for member in found.members)


def test_a_metric_that_is_undefined_has_its_reason_and_no_change(tmp_path: Path) -> None:
    runs = trained(tmp_path, 0, math.nan, 3.0)
    joint = runs.joint["x"]
    reasons = {"kind": {"accuracy": "there is no label", "f1": "there is no label"}}
    runs.joint["x"] = replace(joint, test=replace(joint.test, undefined=reasons))
    found = comparison_of([runs], MEMBERS, TASKS, tmp_path, title="t", note="n")
    assert found.undefined == reasons
    assert found.members[0].delta_m == [25.0]
