"""The words on families say what their numbers say."""

import math

import pytest

from plait.reports.read.families import (
    Families,
    FamilyRow,
    FamilyRun,
    SingleParameters,
    SingleSeconds,
)
from plait.reports.words.family_verdict import best_of, family_headline, family_verdicts


def families(**means: float | None) -> Families:
    """Families with these means; on task a they have it, on task b its opposite."""
    runs = [
        FamilyRun(f"Family: {name}", "min L", name, 60.0, 500, mean) for name, mean in means.items()
    ]
    rows = [
        FamilyRow(
            *("a", "m", True, 0.1, 0.5, {}),
            {name: mean for name, mean in means.items() if mean is not None},
        ),
        FamilyRow(
            *("b", "m", True, 0.1, 0.5, {}),
            {name: -mean for name, mean in means.items() if mean is not None},
        ),
    ]
    single = {"a": "single-a", "b": "single-b"}
    seconds = SingleSeconds({"a": 30.0, "b": 90.0})
    return Families("t", "", "single", runs, single, rows, seconds, SingleParameters(2000))


def breaking(text: str) -> str:
    """The text with common spaces before its per cent signs."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ({"x": 2.0, "y": 4.0}, "y did best: on average over the tasks, 4.0 % better"),
        ({"x": 2.0, "y": 4.0}, "All 2 families did better than these."),
        ({"x": -2.0, "y": 4.0}, "1 of 2 families did better than these."),
        (
            {"x": 4.0},
            "x did best: on average over the tasks, 4.0 % better than single-task networks.",
        ),
        ({"x": -2.0, "y": -4.0}, "No family did better than single-task networks"),
        ({"x": -2.0, "y": -4.0}, "the best, x, is 2.0 % worse."),
        ({"x": 0.01, "y": -4.0}, "the best, x, is as good as single-task networks."),
        ({"x": None, "y": math.nan}, "cannot be said"),
        ({"x": None, "y": -1.0}, "the best, y, is 1.0 % worse"),
    ],
)
def test_the_headline_names_the_best(means: dict[str, float | None], words: str) -> None:
    assert words in breaking(family_headline(families(**means)))


def test_a_lone_family_is_not_counted() -> None:
    assert "families" not in family_headline(families(x=4.0))


def test_the_first_of_equal_families_is_the_best() -> None:
    best = best_of(families(x=1.0, y=3.0, z=3.0))
    assert best is not None
    assert best.folder == "y"


@pytest.mark.parametrize(
    ("mean", "word", "sentence"),
    [
        (
            3.0,
            "better",
            "On average over the tasks 3.0 % better than single-task ones: a better; b worse.",
        ),
        (
            -3.0,
            "worse",
            "On average over the tasks 3.0 % worse than single-task ones: b better; a worse.",
        ),
        (0.0, "equal", "On average over the tasks as good as single-task networks: a and b equal."),
        (None, "not comparable", "No mean over the tasks can be taken: a and b not comparable."),
    ],
)
def test_a_verdict_has_a_word_and_the_tasks(mean: float | None, word: str, sentence: str) -> None:
    (verdict,) = family_verdicts(families(x=mean))
    assert verdict.word == word
    assert breaking(verdict.sentences[0]) == sentence
    assert (verdict.label, verdict.name) == ("x", "Family: x")


def test_a_verdict_has_the_cost_against_all_single_networks() -> None:
    (verdict,) = family_verdicts(families(x=1.0))
    assert verdict.sentences[1] == (
        "Training took 1 min, 0.50 times the time of all single-task ones; "
        "the network has 500 parameters, 0.25 times theirs."
    )
