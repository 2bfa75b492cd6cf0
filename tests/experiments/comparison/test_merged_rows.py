"""Merged networks as rows; what they are is tested in tests/experiments/baselines."""

from pathlib import Path

from plait.experiments import open_problem, validate, with_defaults
from plait.experiments.comparison.member import SINGLE
from plait.experiments.comparison.merged_rows import merged_rows
from plait.experiments.comparison.runner import Runner
from plait.experiments.comparison.trained import MemberRuns, Trained
from tests.experiments.tiny import TINY

CONFIG = validate(with_defaults({"recipe": TINY, "epochs": 1, "tasks": ["quarter", "spot"]}))


def test_networks_that_failed_are_not_merged(tmp_path: Path) -> None:
    runner = Runner(folder=tmp_path, problem=open_problem(CONFIG), config=CONFIG, seeds=[0])
    lost = [Trained(None, tmp_path / "x", failed="the loss is NaN")]
    rows = merged_rows(CONFIG, runner, MemberRuns(SINGLE, {"quarter": lost, "spot": lost}))
    assert [row.member.name for row in rows] == [
        "merged-average",
        "merged-task-arithmetic",
        "merged-ties",
        "merged-iso-c",
    ]
    assert all(row.failed(0).startswith("not mergeable: quarter: the loss is NaN") for row in rows)
