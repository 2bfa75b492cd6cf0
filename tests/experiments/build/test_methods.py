"""Methods by name and options, one or several."""

import pytest

from plait.balancing import CAGrad
from plait.core.errors import ConfigError
from plait.core.families import FAMILIES
from plait.experiments.build.methods import method, methods
from plait.experiments.method import Method


def named(name: str, **options: object) -> Method:
    return Method.model_validate({"class": name, **options})


def test_options_go_to_the_constructor() -> None:
    made = method(named("CAGrad", c=0.3), FAMILIES["balancing"])
    assert isinstance(made, CAGrad)
    assert made.c == 0.3
    with pytest.raises(ConfigError, match="balancer CAGrad has no option 'd'"):
        method(named("CAGrad", d=1), FAMILIES["balancing"])


def test_one_several_or_none() -> None:
    family = FAMILIES["connections"]
    assert methods(None, family) == []
    assert len(methods(named("CrossStitch"), family)) == 1
    assert len(methods([named("CrossStitch"), named("Hint")], family)) == 2
