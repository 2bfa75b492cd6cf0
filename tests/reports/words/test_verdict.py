"""The words on tasks and members say what their numbers say."""

import dataclasses
import math

import pytest

from plait.reports.words.verdict import change_sentences, cost, verdicts
from tests.reports.words.made import breaking, of_members, of_tasks


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ([1.0, 3.0], "better"),
        ([-1.0, -3.0], "worse"),
        ([5.0, -1.0], "mixed"),
        ([0.04, -0.04], "equal"),
        ([0.04, -0.2], "worse"),
        ([math.nan], "not comparable"),
    ],
)
def test_a_task_is_judged_by_all_its_metrics(changes: list[float], word: str) -> None:
    (verdict,) = verdicts(of_tasks(task=changes))
    assert verdict.word == word
    assert len(verdict.sentences) == len(changes)


def test_a_smaller_error_is_called_better() -> None:
    found = of_tasks(task=[50.0])
    (row,) = found.rows
    row = dataclasses.replace(row, metric="mae", higher_is_better=False, joint={"x": [0.25]})
    (verdict,) = verdicts(dataclasses.with_rows(found, [row]))
    assert [breaking(each) for each in verdict.sentences] == [
        "mae: 0.25 jointly, 0.5 alone (50.0 % better)"
    ]


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
        (
            math.nan,
            "not comparable",
            "No mean over the tasks can be taken: a and b not comparable.",
        ),
    ],
)
def test_a_member_has_a_word_and_the_tasks(mean: float, word: str, sentence: str) -> None:
    verdict, _ = verdicts(of_members(x=mean, y=1.0))
    assert verdict.word == word
    assert breaking(verdict.sentences[0]) == sentence
    assert (verdict.of, verdict.label, verdict.title) == ("x", "x", "Family: x")


def test_a_member_has_the_cost_against_all_single_networks() -> None:
    verdict, _ = verdicts(of_members(x=1.0, y=1.0))
    assert verdict.sentences[1] == (
        "Training took 1 min, 0.50 times the time of all single-task ones; "
        "the network has 500 parameters, 0.25 times theirs."
    )


def test_the_cost_counts_all_single_networks() -> None:
    found = of_tasks(a=[1.0], b=[1.0], c=[1.0])
    time, size = cost(found, found.members[0])
    assert "1 min jointly and 2 min one by one (a 40.0 s, b 40.0 s, c 40.0 s)" in time
    assert "0.50 times the time" in time
    assert "1,000,000" in size
    assert "2,499,999" in size
    assert "0.40 times the size" in size
    many = of_tasks(**{f"t{i}": [1.0] for i in range(7)})
    assert "(" not in cost(many, many.members[0])[0]


def test_one_seed_says_that_it_shows_no_spread() -> None:
    mean, chance = change_sentences(of_tasks(a=[2.0]))
    assert breaking(mean) == "Δm, the mean change over the tasks, is +2.0 %."
    assert "a small change may be chance" in chance
    (chance,) = change_sentences(of_members(x=1.0, y=1.0))
    assert "a small change may be chance" in chance


def test_several_seeds_are_said_with_their_spread() -> None:
    (sentence,) = change_sentences(of_members(5, 6, x=[2.0, 4.0]))
    assert breaking(sentence) == (
        "Δm, the mean change over the tasks, is +3.0 ± 1.4 % (+2.0 % from seed 5, +4.0 % from "
        "seed 6)."
    )


def test_a_change_within_the_spread_of_the_seeds_is_called_chance() -> None:
    sure, chance = change_sentences(of_members(x=[2.0, 4.0], y=[-3.0, 4.0]))
    assert sure.startswith("Δm of x")
    assert "chance" not in sure
    assert "no more than what the seeds differ by, so it may be chance." in chance
