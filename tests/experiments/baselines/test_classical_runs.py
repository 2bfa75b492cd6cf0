"""Results of scikit-learn's models on the disk: written last, read again, made anew on new data."""

import math
from pathlib import Path
from unittest.mock import patch

import pytest

from plait.experiments.baselines import classical_runs as module
from plait.experiments.baselines.classical import Classical, NoClassical, classical
from plait.experiments.baselines.classical_runs import TITLES, classical_runs
from plait.runs.resamples import read_resamples
from plait.runs.result import RunResult, read_result
from tests.experiments.baselines.networks import settings
from tests.experiments.baselines.tables import TASKS, frame, opened


def test_the_results_are_those_of_the_models(tmp_path: Path) -> None:
    config, problem = opened(frame(), seed=4)
    found = classical_runs(config, "linear", tmp_path, problem=problem, resamples=5)
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


def test_finished_models_are_not_fitted_again(tmp_path: Path) -> None:
    config, problem = opened(frame())
    first = classical_runs(config, "linear", tmp_path, problem=problem)
    with patch.object(module, "classical", side_effect=AssertionError("fitted again")):
        again = classical_runs(config, "linear", tmp_path, problem=problem)
        assert {t: r.test for t, r in again.items() if isinstance(r, RunResult)} == {
            t: r.test for t, r in first.items() if isinstance(r, RunResult)
        }
        other, changed = opened(frame(seed=1))
        with pytest.raises(AssertionError, match="fitted again"):
            classical_runs(other, "linear", tmp_path, problem=changed)
        (tmp_path / "linear-sick" / "result.json").unlink()
        with pytest.raises(AssertionError, match="fitted again"):
            classical_runs(config, "linear", tmp_path, problem=problem)


def test_what_has_no_model_leaves_no_folder(tmp_path: Path) -> None:
    for model in TITLES:
        found = classical_runs(settings(), model, tmp_path)
        assert all(isinstance(each, NoClassical) for each in found.values())
    assert not list(tmp_path.iterdir())
