"""Results of scikit-learn's models on the disk: written last, read again, made anew on new data."""

import math
from pathlib import Path
from typing import Any
from unittest.mock import patch

from plait.experiments import Problem, RunConfig
from plait.experiments.baselines import classical as models
from plait.experiments.baselines import classical_runs as module
from plait.experiments.baselines.classical import Classical, classical
from plait.experiments.baselines.classical_runs import TITLES, classical_runs
from plait.experiments.baselines.no_row import NoRow
from plait.runs.resamples import read_resamples
from plait.runs.result import RunResult, read_result
from tests.experiments.baselines.networks import settings
from tests.experiments.baselines.tables import TASKS, frame, opened


def test_the_results_are_those_of_the_models(tmp_path: Path) -> None:
    config, problem = opened(frame(), seed=4)
    found = classical_runs(config, "linear", {4: tmp_path}, problem=problem, resamples=5)[4]
    expected = classical(config, "linear", problem=problem, resamples=5)
    assert list(found) == list(TASKS)
    for task, result in found.items():
        own, place = expected[task], tmp_path / f"linear-{task}"
        assert isinstance(result, RunResult) and isinstance(own, Classical)
        assert result.validation == own.validation.metrics and result.score == own.score
        assert result.test.metrics == own.test.metrics and result.test.trivial == own.test.trivial
        assert result.seed == 4 and result.data == problem.fingerprint and result.tested
        assert math.isnan(result.step_seconds) and result.parameters == own.parameters
        assert read_result(place) is not None
        assert read_resamples(place) == own.resamples
    assert isinstance(found["kind"], RunResult) and "validation: C = " in found["kind"].started


def fitted(config: RunConfig, problem: Problem, folders: dict[int, Path]) -> list[int]:
    """The seeds with which models were fitted."""
    seeds = []

    def noted(own: RunConfig, *args: Any, **options: Any) -> Any:
        seeds.append(own.seed)
        return classical(own, *args, **options)

    with patch.object(module, "classical", noted):
        found = classical_runs(config, "linear", folders, problem=problem)
    assert list(found) == list(folders)
    for seed, each in found.items():
        assert all(isinstance(one, RunResult) and one.seed == seed for one in each.values())
    return seeds


def test_models_are_fitted_once_for_all_seeds(tmp_path: Path) -> None:
    config, problem = opened(frame())
    folders = {seed: tmp_path / str(seed) for seed in (3, 4, 5)}
    assert fitted(config, problem, folders) == [3]
    results = [read_result(folder / "linear-size") for folder in folders.values()]
    assert len({each.score for each in results if each}) == 1
    assert fitted(config, problem, folders) == []
    (folders[4] / "linear-sick" / "result.json").unlink()
    assert fitted(config, problem, folders) == [4]
    other, changed = opened(frame(seed=1))
    assert fitted(other, changed, folders) == [3]


def test_models_that_depend_on_the_seed_are_fitted_for_each(tmp_path: Path) -> None:
    config, problem = opened(frame())
    folders = {seed: tmp_path / str(seed) for seed in (0, 1)}
    with patch.object(models, "BINNED", 10):
        found = classical_runs(config, "trees", folders, problem=problem)
        own = classical(config, "trees", problem=problem)
    assert all(isinstance(each, Classical) and each.drawn for each in own.values())
    assert list(found) == [0, 1]


def test_what_has_no_model_leaves_no_folder(tmp_path: Path) -> None:
    for model in TITLES:
        found = classical_runs(settings(), model, {0: tmp_path})
        assert all(isinstance(each, NoRow) for each in found[0].values())
    assert not list(tmp_path.iterdir())
