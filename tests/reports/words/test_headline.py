"""The answer in one sentence says what the numbers say."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from plait.reports.read.run import read_run
from plait.reports.words.headline import headline, members_by_verdict, run_headline
from tests.reports.example import write_events, write_run
from tests.reports.words.made import breaking, of_members, of_tasks


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"a": [2.0], "b": [4.0]},
            "Joint training helped: on average over the tasks, 3.0 % better than separate networks "
            "[+2.5, +3.5].",
        ),
        ({"a": [8.0], "b": [-2.0]}, "[+2.5, +3.5], but b got worse."),
        ({"a": [2.0]}, "Joint training helped: 2.0 % better than separate networks [+1.5, +2.5]."),
        (
            {"a": [-8.0], "b": [2.0]},
            "Joint training did not help: on average over the tasks, 3.0 % worse than separate "
            "networks [-3.5, -2.5], although b got better.",
        ),
        ({"a": [-2.0], "b": [-4.0]}, "3.0 % worse than separate networks [-3.5, -2.5]."),
        (
            {"a": [3.0], "b": [-3.0]},
            "No clear difference on average over the tasks: +0.0 % [-0.5, +0.5], and a got better, "
            "but b got worse.",
        ),
        (
            {"a": [0.1], "b": [-0.1]},
            "No clear difference: nothing in this comparison can be told from noise.",
        ),
        ({"a": [math.nan]}, "cannot be said: there is no mean over the tasks."),
    ],
)
def test_with_one_member_it_names_the_mean_and_its_exceptions(
    changes: dict[str, list[float]], words: str
) -> None:
    assert words in breaking(headline(of_tasks(**changes)))


def test_of_many_tasks_it_has_the_number() -> None:
    found = of_tasks(**{f"t{i}": [-1.0] for i in range(7)}, good=[100.0])
    assert "but 7 tasks got worse" in headline(found)


@pytest.mark.parametrize(
    ("means", "words"),
    [
        (
            {"x": 2.0, "y": 4.0},
            "y did best: on average over the tasks, 4.0 % better than separate networks "
            "[+3.5, +4.5], but b got worse. 2 of 2 are better than separate networks.",
        ),
        ({"x": -2.0, "y": 4.0}, "1 of 2 is better than separate networks."),
        ({"x": [1.0, 3.0], "y": [0.0, 1.0]}, "x did best: on average over the tasks, 2.0 % better"),
        (
            {"x": -2.0, "y": -4.0},
            "Nothing did better than separate networks: on average over the tasks, the best, x, is "
            "2.0 % worse than separate networks [-2.5, -1.5].",
        ),
        (
            {"x": 0.1, "y": -4.0},
            "Nothing is clearly better than separate networks on average over the tasks; the best, "
            "x: +0.1 % [-0.4, +0.6].",
        ),
        ({"x": 0.1, "y": 0.2}, "nothing in this comparison can be told from noise"),
        ({"x": math.nan, "y": math.nan}, "cannot be said: there is no mean over the tasks"),
        ({"x": math.nan, "y": -1.0}, "the best, y, is 1.0 % worse"),
    ],
)
def test_with_several_members_it_names_the_best(
    means: dict[str, float | Sequence[float]], words: str
) -> None:
    assert words in breaking(headline(of_members(**means)))


def test_without_intervals_it_says_that_nothing_can_be_told() -> None:
    found = replace(of_members(x=9.0, y=-9.0), changes=[])
    assert headline(found) == "What helped cannot be told from noise: no interval was measured."


def test_where_all_failed_it_says_so() -> None:
    found = of_members(x=math.nan, y=math.nan)
    members = [replace(each, failed=["no memory"]) for each in found.members]
    text = headline(replace(found, members=members))
    assert text == "What helped cannot be said: all but the separate networks failed."


def test_members_are_sorted_by_their_verdicts_the_best_first() -> None:
    words = members_by_verdict(of_members(w=0.1, x=2.0, y=math.nan, z=4.0))
    named = {word: [each.name for each in members] for word, members in words.items()}
    assert named == {"better": ["z", "x"], "no clear difference": ["w"], "undefined": ["y"]}


def test_of_a_run_it_counts_the_tasks_that_beat_the_trivial_predictor(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=1, steps_per_epoch=1)
    assert "every task did better" in run_headline(read_run(tmp_path))
    events[-1]["metrics"]["mask"]["iou"] = 0.1
    write_events(tmp_path, events)
    words = "On the test data, 2 of 3 tasks did better than the trivial predictor; mask did not."
    assert run_headline(read_run(tmp_path)) == words


def test_of_a_run_without_directions_it_says_nothing(tmp_path: Path) -> None:
    events = write_run(tmp_path, epochs=1, steps_per_epoch=1)
    for event in events:
        event.pop("higher_is_better", None)
    write_events(tmp_path, events)
    assert run_headline(read_run(tmp_path)) == ""
