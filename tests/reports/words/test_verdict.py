"""Verdicts, cards and spans say what the corrected intervals say."""

import math
from dataclasses import replace

import pytest

from plait.reports.words.verdict import (
    cards,
    failures_of,
    label_of,
    price,
    span,
    tasks_by_verdict,
    verdict_of,
)
from plait.runs.comparison import Verdict
from tests.reports.words.made import breaking, change, judged, of_members, of_tasks
from tests.runs.made import network


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        (3.0, "better"),
        (-3.0, "worse"),
        (0.4, "no clear difference"),
        (-0.4, "no clear difference"),
        (math.nan, "undefined"),
    ],
)
def test_a_verdict_is_that_of_the_comparison(gain: float, verdict: Verdict) -> None:
    found = of_members(x=gain, y=1.0)
    assert verdict_of(found, "x") == verdict_of(found, "x", "a") == verdict
    assert verdict_of(replace(found, changes=[]), "x") == "undefined"


def test_a_change_has_its_interval() -> None:
    assert breaking(span(change("x", "a", "m", [2.0, 4.0], 1.26))) == "+3.0 % [+1.7, +4.3]"
    assert breaking(span(change("x", "a", "m", [-0.01], 0.03))) == "+0.0 % [+0.0, +0.0]"
    large = change("x", "a", "m", [-123456.0], 12345.0)
    assert breaking(span(large)) == "-1.2e+05 % [-1.4e+05, -1.1e+05]"
    bare = replace(change("x", "a", "m", [2.0], 1.0), low=math.nan, high=math.nan)
    assert breaking(span(bare)) == "+2.0 %"
    assert span(change("x", "a", "m", [math.nan], 1.0)) == span(None) == "–"


def test_a_lone_member_has_a_card_for_each_task_with_all_its_metrics() -> None:
    first, second = cards(of_tasks(a=[2.0, -9.0], b=[0.1]))
    assert (first.of, first.word, first.sign) == ("a", "better", "▲")
    assert [breaking(each) for each in first.sentences] == [
        "m0: +2.0 % [+1.5, +2.5]",
        "m1: -9.0 % [-9.5, -8.5]",
    ]
    assert (second.word, second.sign) == ("no clear difference", "≈")


def test_several_members_have_a_card_each() -> None:
    x, y = cards(of_members(x=3.0, y=-2.0))
    assert (x.of, x.label, x.title, x.formula) == ("x", "x", "Family: x", "min L")
    assert breaking(x.sentences[0]) == "On average +3.0 % [+2.5, +3.5]. A better; b worse."
    assert (y.word, y.sign) == ("worse", "▼")
    bare, _ = cards(replace(of_members(x=3.0, y=-2.0), changes=[]))
    assert breaking(bare.sentences[0]) == "On average +3.0 %. A and b undefined."


def test_the_price_is_against_all_separate_networks() -> None:
    found = of_members(x=1.0, y=1.0)
    assert price(found, found.members[0]) == (
        "Against the separate networks: 0.25 times their parameters and 0.50 times their training "
        "time (1 min)."
    )
    unknown = network(folders=[""], seconds=[math.nan], parameters=0)
    assert price(found, replace(found.members[0], networks={"": unknown})) == ""


def test_the_tasks_are_sorted_by_their_verdicts() -> None:
    found = of_tasks(a=[2.0], b=[-2.0], c=[0.0], d=[4.0])
    assert tasks_by_verdict(found, "x") == {
        "better": ["a", "d"],
        "worse": ["b"],
        "no clear difference": ["c"],
    }


def test_a_failure_names_its_seeds() -> None:
    found = of_members(4, 5, 6, x=[1.0, 2.0, 3.0], y=[1.0, 2.0, 3.0])
    member = replace(found.members[0], failed=["out of memory.", "", "out of memory"])
    assert failures_of(found, member) == ["x failed from seeds 4, 6: out of memory."]
    member = replace(member, failed=["no"] * 3)
    assert failures_of(found, member) == ["No numbers of x: no."]
    assert failures_of(found, found.members[0]) == []


def test_joint_training_is_the_name_of_a_lone_joint_network() -> None:
    found = of_tasks(a=[1.0])
    assert label_of(found, found.members[0]) == "joint training"
    assert label_of(found, replace(found.members[0], kind="merged")) == "x"
    several = judged(of_members(x=1.0, y=1.0))
    assert label_of(several, several.members[0]) == "x"
