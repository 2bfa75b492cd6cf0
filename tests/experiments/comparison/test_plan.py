"""Which runs a comparison has; that they are trained so is tested in test_compare.py."""

from pathlib import Path

import pytest

from plait.core.errors import ConfigError
from plait.experiments import Member, open_problem, validate, with_defaults
from plait.experiments.comparison.plan import check_built, check_names, joint, places, single
from tests.experiments.tiny import TINY

CONFIG = validate(with_defaults({"recipe": TINY}))


def test_a_joint_member_is_one_network_and_separate_ones_are_one_a_task() -> None:
    one = joint(CONFIG, Member("large", "Large", settings={"epochs": 7}))
    assert one.networks[""].epochs == 7
    assert one.folder("") == "large"
    own = single(CONFIG, ["quarter", "spot"])
    assert [own.folder(task) for task in own.networks] == ["single-quarter", "single-spot"]


def test_a_member_that_makes_no_sense_is_named() -> None:
    with pytest.raises(ConfigError, match="member 'wrong': unknown setting 'epoch'"):
        joint(CONFIG, Member("wrong", "", settings={"epoch": 7}))
    with pytest.raises(ConfigError, match=r"member 'wrong': .*in_features"):
        joint(CONFIG, Member("wrong", "", settings={"encoder": {"class": "MLPEncoder"}}))
    own = {"sharing": {"class": "MMoE", "experts": 0}}
    planned = joint(CONFIG, Member("wrong", "", settings=own))
    with pytest.raises(ConfigError, match=r"member 'wrong': `experts` must be a whole number"):
        check_built([planned], open_problem(CONFIG))


def test_names_and_places() -> None:
    twice = [joint(CONFIG, Member("single-spot", "")), single(CONFIG, ["spot"])]
    with pytest.raises(ConfigError, match="two runs would be named 'single-spot'"):
        check_names(twice)
    assert places(Path("x"), [3, 4]) == {3: Path("x/seed-3"), 4: Path("x/seed-4")}
