"""Names of methods are checked without loading any; a child of test_start.py sees that."""

from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.core.families import FAMILIES
from plait.core.lookup import names
from plait.experiments import validate
from plait.experiments.config import RunConfig, check_early
from plait.experiments.known_methods import SETTINGS, check_known
from plait.experiments.method import Method, Methods
from plait.experiments.search.places import METHODS

FAMILY = {family.setting: family for family in FAMILIES.values()}


def test_all_settings_that_name_a_method_of_plait_are_among_them() -> None:
    """Recipes have a check of their own; what stays is of torch."""
    naming = {
        name
        for name, field in RunConfig.model_fields.items()
        if field.annotation in (Method, Method | None, Methods)
    }
    assert naming - {*SETTINGS} == {"recipe", "optimizer", "scheduler"}
    assert {*METHODS} < {*SETTINGS} < naming


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_method_is_known_in_every_form(setting: str) -> None:
    known = names(FAMILY[setting].package, FAMILY[setting].base)
    for name in known:
        check_known({setting: name})
        check_known({setting: {"class": name, "option": 1}})
        check_known({setting: {"name": name}})
    check_known({setting: [known[0], {"class": known[1]}]})
    check_known({setting: "some.package:Name"})
    check_known({setting: None})
    check_known({setting: {"option": 1}})  # a recipe's defaults may name the method


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("form", ["{}", "class", "list"])
def test_another_name_is_told_as_the_method_itself_would_tell_it(setting: str, form: str) -> None:
    family = FAMILY[setting]
    right, *_ = names(family.package, family.base)
    wrong = right[:-1] + right[-1] * 2
    value: Any = {"{}": wrong, "class": {"class": wrong}, "list": [right, wrong]}[form]
    with pytest.raises(ConfigError) as told:
        check_known({setting: value})
    assert f"unknown {family.noun} {wrong!r}; known: " in str(told.value)
    assert f"Did you mean {right!r}?" in str(told.value)


def test_stems_of_sources_are_encoders() -> None:
    check_known({"sources": {"a": {"stem": "MLPEncoder"}, "b": {}}})
    with pytest.raises(ConfigError, match=r"unknown encoder 'MLPEncodr'; .*Did you mean 'MLPEnco"):
        check_known({"sources": {"a": {}, "b": {"stem": {"class": "MLPEncodr"}}}})


@pytest.mark.parametrize("check", [check_early, validate])
def test_settings_are_refused_for_a_name(check: Any) -> None:
    with pytest.raises(ConfigError, match=r"unknown balancer 'UPGard'; .*Did you mean 'UPGrad'"):
        check({"recipe": "digits", "balancing": "UPGard"})
