"""The members of a comparison that names none."""

from typing import Any

from plait.experiments import Member, open_problem, validate, with_defaults
from plait.experiments.comparison.defaults import default_members, fits
from tests.experiments.tiny import TINY


def names(**settings: Any) -> list[str]:
    config = validate(with_defaults({"recipe": TINY, **settings}))
    return [member.name for member in default_members(config, open_problem(config))]


def test_one_of_each_kind() -> None:
    assert names() == [
        *("uncertainty-weights", "upgrad", "famo", "mmoe", "cross-stitch"),
        *("hint", "mean-regularised"),
    ]


def test_what_cannot_be_built_is_left_out() -> None:
    config = validate(with_defaults({"recipe": TINY}))
    problem = open_problem(config)
    assert not fits(Member("x", "", settings={"connections": "CrossStitch"}), config, problem)
