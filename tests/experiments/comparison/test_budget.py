"""A budget of time: the settings that members get, and those of the plain sum."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError
from plait.experiments import JOINT, compare, open_problem, validate, with_defaults
from plait.experiments.comparison.budget import limited, plain_minutes
from plait.experiments.comparison.defaults import PLAIN_SUM
from plait.experiments.comparison.plan import joint, single
from plait.experiments.comparison.runner import Runner
from plait.runs import read_result
from tests.experiments.tiny import TINY

CONFIG = validate(
    with_defaults({"recipe": TINY, "epochs": 1, "gallery": 0, "tasks": ["quarter", "spot"]})
)


def runner_of(folder: Path) -> Runner:
    return Runner(folder=folder, problem=open_problem(CONFIG), config=CONFIG, seeds=[0, 1])


def test_all_have_the_time_of_the_plain_sum_and_networks_share_it(tmp_path: Path) -> None:
    planned = [
        single(CONFIG, ["quarter", "spot"]),
        joint(CONFIG, PLAIN_SUM),
        joint(CONFIG, JOINT[0]),
    ]
    minutes = plain_minutes(runner_of(tmp_path), planned)
    parts, plain, other = (limited(each, minutes) for each in planned)
    measured = read_result(tmp_path / "seed-0/plain-sum")
    assert measured is not None
    assert minutes == measured.seconds / 60
    assert plain.networks[""].minutes is None
    assert other.networks[""].minutes == pytest.approx(minutes)
    assert parts.networks["spot"].minutes == pytest.approx(minutes / 2)


def test_without_a_plain_sum_there_is_no_time(tmp_path: Path) -> None:
    broken = CONFIG.model_copy(update={"recipe": CONFIG.recipe, "clip": None})
    broken = validate({**broken.described(), "optimizer": {"class": "SGD", "lr": 1e30}})
    runner = Runner(folder=tmp_path, problem=open_problem(broken), config=broken, seeds=[0])
    with pytest.raises(ConfigError, match="the plain sum has failed"):
        plain_minutes(runner, [joint(broken, JOINT[0])])


def test_a_comparison_of_equal_time_says_so(tmp_path: Path) -> None:
    found = compare(CONFIG, tmp_path, title="x", budget="time", resamples=0)
    assert "the wall-clock time of the plain sum" in found.note
