"""Models of scikit-learn as rows: fitted once per seed, a linear one once, and read again."""

from pathlib import Path

import pytest

from plait.experiments import open_problem
from plait.experiments.baselines import fitted
from plait.experiments.baselines.classical import Classical, classical
from plait.experiments.reproduce.models import model_scores
from tests.experiments.baselines.networks import settings
from tests.experiments.baselines.tables import TASKS, frame, opened


def test_trees_are_grown_from_each_seed_once(tmp_path: Path) -> None:
    config, problem = opened(frame())
    path = tmp_path / "seed-5" / "trees-size" / "result.json"
    found = model_scores(config, "trees", [0, 5], tmp_path, problem=problem)
    assert set(found.scores) == {"validation", "test"}
    own = classical(config.model_copy(update={"seed": 5}), "trees", problem=problem)
    for task in TASKS:
        model = own[task]
        assert isinstance(model, Classical)
        for metric, value in model.test.metrics[task].items():
            assert found.scores["test"][task][metric][1] == pytest.approx(value, nan_ok=True)
    written = path.stat().st_mtime_ns
    assert repr(model_scores(config, "trees", [0, 5], tmp_path, problem=problem)) == repr(found)
    assert path.stat().st_mtime_ns == written


def test_a_forest_is_another_from_each_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitted, "FOREST", 5)
    config, problem = opened(frame())
    found = model_scores(config, "forest", [0, 1], tmp_path, problem=problem)
    first, second = found.scores["test"]["size"]["mae"]
    assert first != second


def test_a_linear_model_is_the_same_from_each_seed(tmp_path: Path) -> None:
    config, problem = opened(frame())
    found = model_scores(config, "linear", [0, 1, 2], tmp_path, problem=problem)
    for task in TASKS:
        for values in found.scores["validation"][task].values():
            assert len(values) == 3
            assert len(set(map(repr, values))) == 1


def test_a_task_without_a_model_is_said(tmp_path: Path) -> None:
    config = settings()
    problem = open_problem(config)
    found = model_scores(config, "trees", [0], tmp_path, problem=problem)
    assert "tables of numbers" in found.failed
    assert not found.scores
