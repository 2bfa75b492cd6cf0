"""What to do follows from the verdicts."""

import math
from dataclasses import replace

import pytest

from plait.reports.words.advice import action
from plait.runs.comparison_member import Kind
from tests.reports.words.made import of_members, of_tasks


def test_what_is_better_is_taken_with_its_price() -> None:
    assert action(of_tasks(a=[2.0], b=[3.0])) == (
        "Train the tasks together: Family: x. Against the separate networks: 0.40 times their "
        "parameters and 0.75 times their training time (1 min)."
    )


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("joint", "Train the tasks together: Family: y."),
        ("merged", "Merge the separate networks: Family: y."),
        ("classical", "Use y: no network that was trained here is as good."),
        ("single", "Keep a network for each task: y."),
    ],
)
def test_each_kind_has_its_own_verb(kind: Kind, start: str) -> None:
    found = of_members(x=1.0, y=4.0)
    members = [replace(each, kind=kind) for each in found.members]
    assert action(replace(found, members=members)).startswith(start)


def test_tasks_that_lose_are_named_and_the_split_is_not_promised() -> None:
    text = action(of_tasks(a=[8.0], b=[-2.0]))
    assert "If b matters more than the average, keep it apart" in text
    assert "was not trained here" in text
    assert "If b and c matter more" in action(of_tasks(a=[20.0], b=[-2.0], c=[-2.0]))


def test_where_all_are_worse_the_networks_stay_apart() -> None:
    assert action(of_members(x=-2.0, y=-4.0)) == "Keep a network for each task."
    text = action(of_tasks(a=[-2.0]))
    assert text.startswith("Keep a network for each task. What to try: ")
    assert "sharing=MMoE" in text


def test_without_a_clear_difference_the_cost_decides() -> None:
    text = action(of_members(x=0.1, y=-0.2))
    assert text.startswith(
        "Choose by cost: x, not measurably worse on any task with 0.25 times the parameters."
    )
    slow = of_members(x=0.1, y=-0.2)
    network = replace(slow.members[0].networks[""], seconds=[61.0])
    slow = replace(
        slow, members=[replace(slow.members[0], networks={"": network}), slow.members[1]]
    )
    assert action(slow).startswith("Choose by cost: y, ")
    large = of_members(x=0.1, y=-0.2)
    base = replace(large.baseline, networks={})
    assert action(replace(large, baseline=base)).startswith("Keep a network for each task:")
    assert action(of_tasks(a=[3.0], b=[-3.0])).startswith("Keep a network for each task:")


def test_narrower_separate_networks_may_be_the_cheap_choice() -> None:
    found = of_members(x=0.1, y=-0.2)
    members = [replace(each, kind="single") for each in found.members]
    assert action(replace(found, members=members)).startswith("Choose by cost: x, ")
    members = [replace(each, kind="classical") for each in found.members]
    assert action(replace(found, members=members)).startswith("Keep a network for each task:")


def test_what_is_unknown_is_run_again() -> None:
    text = action(of_members(x=math.nan, y=math.nan))
    assert text.startswith("Keep separate networks until this is known")
    found = replace(of_members(x=9.0, y=9.0), changes=[])
    assert action(found).startswith("Keep separate networks until intervals tell")
