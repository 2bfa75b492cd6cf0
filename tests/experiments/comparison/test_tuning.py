"""Settings that are chosen on the validation split."""

from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.experiments import Member, compare, open_problem, validate, with_defaults
from plait.experiments.comparison.plan import joint
from plait.experiments.comparison.runner import Runner
from plait.experiments.comparison.tuning import best_rate, tuned, tuned_weights
from plait.runs import read_result
from tests.experiments.tiny import TINY

PLAIN = Member("plain", "Plain")


def runner_of(folder: Path, **settings: Any) -> Runner:
    few = {"recipe": TINY, "epochs": 1, "gallery": 0, "tasks": ["quarter", "spot"]}
    config = validate(with_defaults({**few, **settings}))
    return Runner(folder=folder, problem=open_problem(config), config=config, seeds=[3])


def scores(folder: Path) -> dict[str, float]:
    found = {each.name: read_result(each) for each in folder.iterdir()}
    assert all(each is not None and not each.tested for each in found.values())
    return {name: each.score for name, each in found.items() if each is not None}


def test_the_best_of_three_rates_and_the_test_split_is_left_alone(tmp_path: Path) -> None:
    runner = runner_of(tmp_path)
    chosen = best_rate(runner, runner.config)
    found = scores(tmp_path / "trials")
    best = max(sorted(found), key=lambda name: found[name])
    own = runner.config.optimizer.options["lr"]
    factor = {"rate-0": 1 / 3, "rate-1": 1.0, "rate-2": 3.0}[best]
    assert chosen.optimizer.options["lr"] == pytest.approx(own * factor, rel=0.05)


def test_a_rate_with_which_all_fail_is_an_error(tmp_path: Path) -> None:
    runner = runner_of(tmp_path, optimizer={"class": "SGD", "lr": 1e30})
    with pytest.raises(ConfigError, match="has failed with each of three learning rates"):
        best_rate(runner, runner.config)


def test_the_best_of_the_trials_is_taken_and_told(tmp_path: Path) -> None:
    runner = runner_of(tmp_path)
    found = tuned(runner, joint(runner.config, PLAIN), 3)
    by_name = scores(tmp_path / "trials" / "plain")
    assert len(by_name) == found.trials == 3
    if max(by_name, key=lambda name: by_name[name]) == "000":
        assert (found.networks[""], found.tuned) == (runner.config, {})
    else:
        assert found.tuned
        assert found.networks[""] != runner.config


def test_weights_are_among_the_options(tmp_path: Path) -> None:
    runner = runner_of(tmp_path)
    found = tuned_weights(runner, runner.config, 3)
    assert found is not None
    tried = [read_result(each) for each in (tmp_path / "trials" / "tuned-weights").iterdir()]
    assert len(tried) == 3
    own = runner_of(tmp_path, rule="loss")
    assert tuned_weights(own, own.config, 3) is None, "weights change the loss"


def test_with_trials_every_row_has_as_many(tmp_path: Path) -> None:
    runner = runner_of(tmp_path)
    rows: Any = ["tuned-weights"]
    found = compare(runner.config, tmp_path / "x", title="x", rows=rows, trials=2)
    assert {each.name: each.trials for each in found.rows_of_table} == {
        "single": 2,
        "joint": 2,
        "tuned-weights": 2,
    }
    assert "the best of 2 settings of its own" in found.note
