"""Options declared once: what each annotation takes, and what a refusal says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from plait.core.errors import ConfigError
from plait.core.options import Above, AtLeast, check_options, chosen


@dataclass(frozen=True)
class Some:
    count: Annotated[int, AtLeast(1)] = 2
    rate: Annotated[float, Above(0)] = 0.5
    limit: Annotated[float, Above(0)] | None = None
    plain: int = 0
    where: Literal["here", "there"] = "here"
    name: str | Callable[..., float] = "skill"


def test_the_defaults_are_in_range() -> None:
    check_options(Some())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("count", 1),
        ("count", np.int64(3)),
        ("rate", 1e-300),
        ("rate", 3),
        ("rate", np.float32(0.1)),
        ("limit", None),
        ("limit", math.inf),
        ("plain", -5),
        ("where", "there"),
        ("name", max),
    ],
)
def test_a_value_in_range_is_taken(option: str, value: Any) -> None:
    check_options(Some(**{option: value}))


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("count", 0, "an integer of at least 1; found 0"),
        ("count", 2.0, "an integer of at least 1; found 2.0"),
        ("count", True, "an integer of at least 1; found True"),
        ("count", None, "an integer of at least 1; found None"),
        ("count", "2", "an integer of at least 1; found '2'"),
        ("rate", 0, "a number above 0; found 0"),
        ("rate", math.nan, "a number above 0; found nan"),
        ("rate", True, "a number above 0; found True"),
        ("rate", [1.0], r"a number above 0; found \[1.0\]"),
        ("limit", -1, "a number above 0 or None; found -1"),
        ("plain", False, "an integer; found False"),
        ("where", "her", "'here' or 'there'; found 'her'"),
        ("where", None, "'here' or 'there'; found None"),
        ("name", 3, "a string or a function; found 3"),
    ],
)
def test_a_value_outside_is_refused_with_the_rule(option: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` must be {words}\\.$"):
        check_options(Some(**{option: value}))


def test_options_are_chosen_from_attributes_of_the_same_names() -> None:
    class Wider(Some):
        more = 3

    assert chosen(Some, Wider(count=7)) == {
        "count": 7,
        "rate": 0.5,
        "limit": None,
        "plain": 0,
        "where": "here",
        "name": "skill",
    }


@pytest.mark.parametrize(("option", "value"), [("count", 0), ("rate", 0), ("limit", 0.0)])
def test_a_model_of_pydantic_that_inherits_them_knows_the_ranges(option: str, value: Any) -> None:
    class Model(BaseModel, Some, frozen=True):
        own: int = 1

    assert Model().model_dump() == {"own": 1, **chosen(Some, Some())}
    with pytest.raises(ValidationError, match="greater than"):
        Model.model_validate({option: value})
