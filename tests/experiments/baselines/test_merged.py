"""Merged rows: the strength is that of the best validation score, and the test is read once."""

from pathlib import Path
from unittest.mock import patch

import pytest

from plait.evaluation import Evaluation, evaluate
from plait.experiments import RunConfig, build_job, open_problem
from plait.experiments.baselines import MERGING, Merged, merged
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.baselines.single_networks import SingleNetworks
from plait.model import MultiTaskModel
from tests.experiments.baselines.networks import TASKS, settings, train_alone


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return settings(seed=1, epochs=2)


@pytest.fixture(scope="module")
def read() -> list[str]:
    return []


@pytest.fixture(scope="module")
def found(
    config: RunConfig, read: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Merged | NoRow]:
    folders = train_alone(config, tmp_path_factory.mktemp("merged"))
    measure = SingleNetworks.evaluate

    def noted(self: SingleNetworks, split: str) -> Evaluation:
        read.append(split)
        return measure(self, split)

    with patch.object(SingleNetworks, "evaluate", noted):
        return merged(config, folders)


@pytest.mark.parametrize("name", MERGING)
def test_the_strength_is_the_best_on_validation(
    found: dict[str, Merged | NoRow], name: str
) -> None:
    own = found[name]
    assert isinstance(own, Merged)
    assert list(own.tried) == list(MERGING[name].strengths)
    assert own.tried[own.strength] == max(own.tried.values())
    skills = [
        (own.validation.metrics[t][m] - own.validation.trivial[t][m])
        / ((1.0 if up else 0.0) - own.validation.trivial[t][m])
        for t in TASKS
        for m, up in list(own.validation.higher_is_better[t].items())[:1]
    ]
    assert own.tried[own.strength] == pytest.approx(sum(skills) / 3)  # the rule of the run


def test_the_test_split_is_read_once_for_each_way(
    found: dict[str, Merged | NoRow], read: list[str]
) -> None:
    expected = []
    for way in MERGING.values():  # each of the grid, then the chosen one
        expected += ["val"] * (len(way.strengths) + 1) + ["test"]
    assert read == expected


@pytest.mark.parametrize("name", MERGING)
def test_a_saved_network_has_the_same_test(
    found: dict[str, Merged | NoRow], config: RunConfig, name: str, tmp_path: Path
) -> None:
    own = found[name]
    assert isinstance(own, Merged)
    own.model.save_pretrained(tmp_path / "model", metrics=own.test.metrics)
    loaded = MultiTaskModel.from_pretrained(tmp_path / "model")
    loaders = build_job(config, tmp_path / "run", problem=open_problem(config)).loaders
    assert evaluate(loaded, loaders["test"]).metrics == own.test.metrics
    assert evaluate(loaded, loaders["val"]).metrics == own.validation.metrics


def test_networks_of_different_ways_are_different(
    found: dict[str, Merged | NoRow],
) -> None:
    weights = [next(own.model.parameters()) for own in found.values() if isinstance(own, Merged)]
    assert len({tuple(each.flatten().tolist()) for each in weights}) == len(MERGING)


def test_what_cannot_be_merged_is_said(config: RunConfig, tmp_path: Path) -> None:
    folders = train_alone(config.model_copy(update={"seed": 2, "epochs": 1}), tmp_path)
    told = merged(config, folders)
    reason = "not mergeable: the network of task 'quarter' was trained with another `seed`"
    assert set(told) == set(MERGING)
    assert all(isinstance(e, NoRow) and e.reason.startswith(reason) for e in told.values())
