"""Numbers of experts."""

import pytest

from plait.core.errors import ConfigError
from plait.sharing.experts.base import checked_count, checked_counts, counts_of


@pytest.mark.parametrize("value", [0, -1, 1.5, "two", None])
def test_a_number_of_experts_is_a_whole_number(value: object) -> None:
    with pytest.raises(ConfigError, match=r"`experts` must be a whole number, at least 1; found"):
        checked_count("experts", value, 1)


@pytest.mark.parametrize(
    ("own", "shared", "least", "message"),
    [
        (1, -1, 0, r"`shared_experts` must be a whole number, at least 0; found -1"),
        (-1, 1, 0, r"`task_experts` must be a whole number, at least 0; found -1"),
        (0, 1, 1, r"`task_experts` must be a whole number, at least 1; found 0"),
        (
            {"a": 1, "b": -2},
            1,
            0,
            r"`task_experts\.b` must be a whole number, at least 0; found -2",
        ),
        (0, 0, 0, r"are both 0, so that there is no expert\. Set one of them"),
        ({"a": 1, "b": 0}, 0, 0, r"are both 0, so that there is no expert for task 'b'\. Set one"),
    ],
)
def test_every_task_needs_an_expert(own: object, shared: int, least: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked_counts(own, shared, least)  # type: ignore[arg-type]


def test_one_number_is_that_of_every_task() -> None:
    assert counts_of(2, ["a", "b"]) == {"a": 2, "b": 2}
    assert counts_of({"b": 0, "a": 1}, ["a", "b"]) == {"a": 1, "b": 0}


def test_numbers_by_task_name_every_task_and_no_other() -> None:
    with pytest.raises(ConfigError, match=r"unknown task of `task_experts` 'digits'; .*'digit'\?"):
        counts_of({"digits": 1}, ["digit"])
    with pytest.raises(ConfigError, match=r"has no number for task 'b'; found \{'a': 1\}"):
        counts_of({"a": 1}, ["a", "b"])
