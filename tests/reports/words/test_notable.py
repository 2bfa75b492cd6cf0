"""Which tasks of a comparison are named: all, or of many those that changed most."""

import math
from dataclasses import replace

import pytest

from plait.core.many import MANY
from plait.reports.words.notable import EACH, gain, notable, note_of
from plait.runs import Comparison
from tests.reports.words.made import of_members, of_tasks


def many(tasks: int) -> Comparison:
    """Task i changes by (7 i) mod `tasks` per cent."""
    return of_tasks(**{f"t{i}": [float(7 * i % tasks)] for i in range(tasks)})


def test_up_to_32_tasks_are_all_named() -> None:
    found = many(MANY)
    assert notable(found) == list(found.metrics)
    assert note_of(found) == ""


def test_of_more_those_that_lose_and_gain_most_are_named() -> None:
    found = many(MANY + 9)
    gains = {f"t{i}": 7 * i % 41 for i in range(41)}
    order = sorted(gains, key=gains.__getitem__)
    assert notable(found) == [*order[:EACH], *order[-EACH:]]
    assert note_of(found).startswith("Of 41 tasks the page names the 6 that lose most")


def test_a_change_that_is_not_known_does_not_count() -> None:
    found = of_tasks(**{f"t{i}": [math.nan if i < 5 else float(i)] for i in range(41)})
    assert notable(found)[0] == "t5"
    unknown = of_tasks(**{f"t{i}": [math.nan] for i in range(41)})
    assert notable(unknown) == [f"t{i}" for i in range(2 * EACH)]


@pytest.mark.parametrize("judged", [True, False])
def test_a_gain_is_the_change_of_the_main_metric(judged: bool) -> None:
    found = of_members(x=[1.0, 3.0], y=[-2.0, -4.0])
    found = found if judged else replace(found, changes=[])
    x, y = found.members
    assert [gain(found, x, "a"), gain(found, x, "b")] == [2.0, -2.0]
    assert gain(found, y, "a") == -3.0
