"""The trials of one row: its own settings first, the same for the same seed, and all can be had."""

import itertools

import pytest

from plait.core.errors import ConfigError
from plait.experiments.search.defaults import refused
from plait.experiments.search.dimension import Choices, Numbers
from plait.experiments.search.space import Space
from plait.experiments.search.trials import rates_of, trials_for
from tests.experiments.search.opened import opened

LR = Numbers("optimizer.lr", 1e-3, 1.0, log=True)


def test_the_settings_themselves_come_first_and_all_differ() -> None:
    config, problem = opened(sharing="MMoE")
    trials = trials_for(config, 4, problem=problem)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert (trials[0].config, trials[0].point) == (config, {})
    assert all(one.config != other.config for one, other in itertools.combinations(trials, 2))
    assert all(refused(problem)(trial.config) == "" for trial in trials)
    assert all(trial.config.seed == config.seed for trial in trials), "the seed is no setting"


def test_the_same_seed_gives_the_same_trials_and_fewer_are_the_first_of_more() -> None:
    config, problem = opened()
    space = Space((LR,))

    def rates(count: int, seed: int) -> list[float]:
        found = trials_for(config, count, problem=problem, space=space, seed=seed)
        return [trial.config.optimizer.options["lr"] for trial in found]

    more = rates(40, seed=1)
    assert rates(5, seed=1) == more[:5] == rates(5, seed=1)
    assert rates(5, seed=2) != more[:5]


def test_points_are_spread_evenly() -> None:
    """Of 16 points of a Sobol sequence, each sixteenth of the range has one."""
    config, problem = opened()
    space = Space((Numbers("optimizer.lr", 1.0, 17.0, log=False),))
    trials = trials_for(config, 17, problem=problem, space=space)[1:]
    found = sorted(trial.config.optimizer.options["lr"] for trial in trials)
    assert all(cell + 0.95 <= value <= cell + 2.05 for cell, value in enumerate(found)), "rounded"


def test_points_that_a_run_cannot_have_are_passed_over() -> None:
    """A rate of less than zero, which only some points have."""
    config, problem = opened()
    space = Space((Numbers("optimizer.lr", -1.0, 1.0, log=False),))
    trials = trials_for(config, 6, problem=problem, space=space)
    assert len(trials) == 6
    assert all(trial.config.optimizer.options["lr"] > 0 for trial in trials)


def test_a_space_that_no_run_can_have_is_refused() -> None:
    config, problem = opened()
    space = Space((Numbers("optimizer.lr", -2.0, -1.0, log=False),))
    with pytest.raises(ConfigError, match="no run can have one; of the last: `lr` must be"):
        trials_for(config, 6, problem=problem, space=space)


def test_a_small_space_gives_each_of_its_settings_once() -> None:
    config, problem = opened()
    space = Space((Choices("batch_size", (4, 8, 16)),))
    trials = trials_for(config, 10, problem=problem, space=space)
    assert {trial.config.batch_size for trial in trials} == {4, 8, 16}
    assert len(trials) == 3


def test_a_space_of_nothing_leaves_the_settings() -> None:
    config, problem = opened()
    assert len(trials_for(config, 5, problem=problem, space=Space(()))) == 1
    with pytest.raises(ConfigError, match="needs at least one trial; found 0"):
        trials_for(config, 0, problem=problem)


def test_three_rates() -> None:
    config, _ = opened()
    assert [each.optimizer.options["lr"] for each in rates_of(config)] == [0.0167, 0.05, 0.15]
    config, _ = opened(scheduler={"class": "OneCycleLR", "max_lr": 0.3})
    found = rates_of(config)
    assert [each.scheduler.options["max_lr"] for each in found if each.scheduler] == [0.1, 0.3, 0.9]
    assert found[1] == config
