"""The answer in one sentence says what the numbers say."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from plait.reports.read.run import read_run
from plait.reports.words.headline import headline, run_headline
from tests.reports.example import write_events, write_run
from tests.reports.words.made import breaking, of_members, of_tasks


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"a": [2.0], "b": [4.0]}, "helped: on average over the tasks, 3.0 % better."),
        ({"a": [8.0], "b": [-2.0]}, "helped: on average over the tasks, 3.0 % better, but b got"),
        (
            {"a": [-8.0], "b": [2.0]},
            "did not help: on average over the tasks, 3.0 % worse, although b",
        ),
        ({"a": [-2.0], "b": [-4.0]}, "did not help: on average over the tasks, 3.0 % worse."),
        (
            {"a": [3.0], "b": [-3.0]},
            "made no difference on average over the tasks, but b got worse.",
        ),
        ({"a": [math.nan]}, "cannot be said"),
    ],
)
def test_with_one_member_it_names_the_mean_and_its_exceptions(
    changes: dict[str, list[float]], words: str
) -> None:
    assert words in breaking(headline(of_tasks(**changes)))


def test_a_mean_within_the_spread_of_the_seeds_is_no_answer() -> None:
    assert breaking(headline(of_members(x=[-1.0, 5.0]))) == (
        "The seeds do not tell whether joint training helped: on average over the tasks and seeds, "
        "2.0 % better, within the spread of the seeds."
    )
    assert "Joint training helped" in headline(of_members(x=[4.0, 5.0]))


def test_of_many_tasks_it_has_the_number() -> None:
    found = of_tasks(**{f"t{i}": [-1.0] for i in range(7)}, good=[100.0])
    assert "but 7 tasks got worse" in headline(found)


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ({"x": 2.0, "y": 4.0}, "y did best: on average over the tasks, 4.0 % better"),
        ({"x": 2.0, "y": 4.0}, "All 2 joint networks did better than these."),
        ({"x": -2.0, "y": 4.0}, "1 of 2 joint networks did better than these."),
        ({"x": [1.0, 3.0], "y": [0.0, 1.0]}, "x did best: on average over the tasks, 2.0 % better"),
        (
            {"x": [1.0, 3.0], "y": [-1.0, 3.0]},
            "1 of 2 joint networks did better than these by more than the seeds differ.",
        ),
        ({"x": -2.0, "y": -4.0}, "No joint network did better than single-task ones"),
        ({"x": -2.0, "y": -4.0}, "best, x, is 2.0 % worse."),
        ({"x": 0.01, "y": -4.0}, "the best, x, is as good as single-task networks."),
        ({"x": math.nan, "y": math.nan}, "cannot be said"),
        ({"x": math.nan, "y": -1.0}, "best, y, is 1.0 % worse"),
    ],
)
def test_with_several_members_it_names_the_best(
    means: dict[str, float | Sequence[float]], words: str
) -> None:
    assert words in breaking(headline(of_members(**means)))


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
