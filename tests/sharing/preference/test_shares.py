"""From a preference to shares."""

import math

import pytest

from plait.core.errors import ConfigError
from plait.sharing.preference.shares import shares_of

TASKS = ("price", "kind", "a.b")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"price": 3}, (3 / 5, 1 / 5, 1 / 5)),
        ({"a.b": 0}, (1 / 2, 1 / 2, 0)),
        ({"price": 0, "kind": 2.5, "a.b": 0}, (0, 1, 0)),
        ({"a.b": 2, "kind": 2, "price": 4}, (1 / 2, 1 / 4, 1 / 4)),
        (dict.fromkeys(TASKS, 7), (1 / 3, 1 / 3, 1 / 3)),
        (dict.fromkeys(TASKS, 1.7e308), (1 / 3, 1 / 3, 1 / 3)),
        ({"price": 5e-324, "kind": 0, "a.b": 0}, (1, 0, 0)),
    ],
)
def test_they_are_in_proportion_and_add_up_to_one(
    given: dict[str, float], wanted: tuple[float, ...]
) -> None:
    found = shares_of(given, TASKS)
    assert tuple(found) == TASKS
    assert tuple(found.values()) == pytest.approx(wanted)


@pytest.mark.parametrize("number", [-1, math.nan, math.inf, "3", None, True])
def test_a_number_that_is_none(number: object) -> None:
    with pytest.raises(ConfigError, match=r"finite numbers of at least 0; found .* for 'kind'"):
        shares_of({"kind": number}, TASKS)  # type: ignore[dict-item]


def test_what_prefers_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown task of `preference` 'prize'.*'price'"):
        shares_of({"prize": 1}, TASKS)
    with pytest.raises(ConfigError, match="must have a number above 0; found 0 for each"):
        shares_of(dict.fromkeys(TASKS, 0.0), TASKS)
    for given in ({"price": 1}, {}):
        with pytest.raises(ConfigError, match="prefers nothing, since tasks that are not named"):
            shares_of(given, TASKS)
