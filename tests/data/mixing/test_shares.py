"""Stated shares."""

import math
from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.data.mixing import Shares
from tests.data.mixing.sizes import sizes


def test_shares_come_in_the_order_of_the_sources() -> None:
    stated = Shares({"small": 0.5, "large": 0.2, "middle": 0.3})
    assert list(stated.shares_of(sizes()).items()) == [
        ("large", 0.2),
        ("middle", 0.3),
        ("small", 0.5),
    ]


def test_rounded_thirds_are_taken() -> None:
    assert Shares(dict.fromkeys(("a", "b", "c"), 1 / 3)).shares


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"a": 0.5, "b": 0.4}, "must add up to 1; found 0.9"),
        ({"a": 50, "b": 50}, "must add up to 1; found 100"),
        ({"a": 1.5, "b": -0.5}, "a number above 0"),
        ({"a": 1.0, "b": 0}, "a number above 0"),
        ({"a": math.nan, "b": 1.0}, "a number above 0"),
        ({"a": "half", "b": 1.0}, "must be a dict of numbers"),
        ({}, "must add up to 1; found 0"),
    ],
)
def test_bad_shares_are_refused(shares: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Shares(shares)


def test_each_source_has_a_share_and_each_share_a_source() -> None:
    with pytest.raises(ConfigError, match=r"unknown source of `shares` 'smal'.*'small'"):
        Shares({"large": 0.5, "middle": 0.3, "smal": 0.2}).shares_of(sizes())
    with pytest.raises(ConfigError, match=r"must have each source; middle, small has none"):
        Shares({"large": 1.0}).shares_of(sizes())
