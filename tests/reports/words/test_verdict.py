"""The words of a report say what its numbers say."""

import dataclasses
import math

import pytest

from plait.reports.read.comparison import Comparison, Parameters, Row, Seconds
from plait.reports.words.text import against
from plait.reports.words.verdict import cost, headline, task_verdicts


def comparison(**changes: list[float]) -> Comparison:
    """A comparison in which each task has metrics of these changes."""
    rows = [
        Row(task, f"m{i}", True, 0.1, 0.5, 0.5 * (1 + change / 100), change)
        for task, each in changes.items()
        for i, change in enumerate(each)
    ]
    means = [sum(each) / len(each) for each in changes.values()]
    seconds = Seconds(60.0, dict.fromkeys(changes, 40.0))
    single = {task: f"single-{task}" for task in changes}
    return Comparison(
        *("title", "", "joint", single, rows, sum(means) / len(means), seconds),
        Parameters(1_000_000, 2_500_000),
    )


def breaking(text: str) -> str:
    """The text with common spaces before its per cent signs."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


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
def test_the_headline_names_the_mean_and_its_exceptions(
    changes: dict[str, list[float]], words: str
) -> None:
    assert words in breaking(headline(comparison(**changes)))


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
    (verdict,) = task_verdicts(comparison(task=changes))
    assert verdict.word == word
    assert len(verdict.details) == len(changes)


def test_a_smaller_error_is_called_better() -> None:
    found = comparison(task=[50.0])
    row = dataclasses.replace(found.rows[0], metric="mae", higher_is_better=False, joint=0.25)
    (verdict,) = task_verdicts(dataclasses.replace(found, rows=[row]))
    assert [breaking(each) for each in verdict.details] == [
        "mae: 0.25 jointly, 0.5 alone (50.0 % better)"
    ]


def test_of_many_tasks_a_sentence_has_the_number() -> None:
    found = comparison(**{f"t{i}": [-1.0] for i in range(7)}, good=[100.0])
    assert "but 7 tasks got worse" in headline(found)
    assert "(" not in cost(found)[0]


def test_the_cost_counts_all_single_networks() -> None:
    time, size = cost(comparison(a=[1.0], b=[1.0], c=[1.0]))
    assert "1 min jointly and 2 min one by one" in time
    assert "0.50 times the time" in time
    assert "1,000,000" in size
    assert "2,500,000" in size
    assert "0.40 times the size" in size


@pytest.mark.parametrize(
    ("value", "trivial", "higher", "word"),
    [
        (0.9, 0.1, True, "better"),
        (0.9, 0.1, False, "worse"),
        (0.1, 0.1, True, "no better"),
        (0.1, None, True, "–"),
        (0.1, 0.2, None, "–"),
        (math.nan, 0.2, True, "–"),
    ],
)
def test_against_the_trivial_predictor(
    value: float, trivial: float | None, higher: bool | None, word: str
) -> None:
    assert against(value, trivial, higher) == word
