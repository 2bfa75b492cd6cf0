"""Proposals depend on their number alone, whoever asks, and in which process."""

import pytest

from plait.experiments.search.proposals import START, Proposals
from plait.experiments.search.trials import trials_for
from plait.experiments.search.words import read_space
from tests.experiments.search.opened import opened


def proposals(*words: str, seed: int = 0) -> Proposals:
    config, problem = opened()
    space = read_space(words or ("optimizer.lr",), config, problem)
    return Proposals(space, config, seed, lambda config: "")


def test_points_are_the_trials_of_a_comparison_by_their_number() -> None:
    config, problem = opened()
    space = read_space(["optimizer.lr"], config, problem)
    known = [trial.point for trial in trials_for(config, START, problem=problem, space=space)]
    one = proposals()
    backwards = [one.point(count) for count in reversed(range(1, START))]
    assert backwards == known[:0:-1]
    assert one.point(0) == {"optimizer.lr": 0.05} == one.untuned
    assert one.point(START) is None


def test_settings_outside_of_the_space_have_no_point() -> None:
    one = proposals("optimizer.lr=1..2")
    assert (one.untuned, one.point(0)) == (None, {})


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["batch_size=4,8,16"], 3),  # 8 is that of the settings
        (["batch_size=4,16"], 3),
        (["batch_size=4,8", "epochs=1..3"], 6),
        (["batch_size=4,8", "optimizer.lr"], float("inf")),
    ],
)
def test_how_many_settings_there_are(words: list[str], most: float) -> None:
    assert proposals(*words).most == most


def test_a_small_space_has_no_more_points() -> None:
    one = proposals("batch_size=4,8,16")
    points = [one.point(count) for count in range(1, 5)]
    assert sorted(point["batch_size"] for point in points if point) == ["16", "4"]
    assert points[2:] == [None, None]
