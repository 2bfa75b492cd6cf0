"""Recommendations of made-up comparisons."""

from typing import Any

from plait.experiments.advise.recommend import recommend, validation_gain
from plait.runs import Change, Comparison, MemberResult, MetricInfo, Network


def member(name: str, validation: float, parameters: int, **about: Any) -> MemberResult:
    """A member that reaches so much accuracy on validation in both tasks."""
    network = Network(
        folders=[f"s{seed}/{name}" for seed in range(2)],
        seconds=[1.0, 1.0],
        step_seconds=[0.1, 0.1],
        memory=[1.0, 1.0],
        parameters=parameters,
        size=4 * parameters,
    )
    scores = {task: {"accuracy": [validation, validation]} for task in ("a", "b")}
    given = {"title": name, "networks": {"": network}, "failed": ["", ""], **about}
    return MemberResult(
        name=name, test=scores, validation=scores, gains=scores, delta_m=[1.0, 1.0], **given
    )


def change(name: str, mean: float, verdict: Any, task: str = "") -> Change:
    return Change(
        member=name,
        task=task,
        metric="accuracy" if task else "delta_m",
        mean=mean,
        deviation=0.1,
        low=mean - 1,
        high=mean + 1,
        p=0.01,
        adjusted=0.02,
        verdict=verdict,
    )


def compared(*members: MemberResult, changes: list[Change]) -> Comparison:
    info = MetricInfo(higher_is_better=True, trivial=[0.1, 0.1])
    return Comparison(
        title="t",
        note="",
        seeds=[0, 1],
        baseline=member("single", 0.5, 200, kind="single"),
        members=list(members),
        metrics={task: {"accuracy": info} for task in ("a", "b")},
        changes=changes,
    )


def test_what_is_better_is_advised_with_its_numbers() -> None:
    found = compared(
        member("MMoE", 0.6, 82),
        member("plain sum", 0.55, 50),
        changes=[
            change("MMoE", 2.1, "better"),
            change("plain sum", -4.0, "worse"),
            change("plain sum", -9.0, "worse", "b"),
        ],
    )
    made = recommend(found)
    assert (made.action, made.member) == ("joint", "MMoE")
    assert made.headline == (
        "Train `a` and `b` together with MMoE: +2.1 % [1.1, 3.1] over separate networks, with 41 % "
        "of the parameters."
    )
    assert made.sentences == [
        "plain sum is worse than separate networks: -4.0 % [-5.0, -3.0].",
    ]


def test_validation_chooses_and_not_the_test_split() -> None:
    found = compared(
        member("x", 0.7, 50),
        member("y", 0.6, 50),
        changes=[change("x", 0.2, "no clear difference"), change("y", 9.0, "better")],
    )
    assert recommend(found).member == "x"
    assert validation_gain(found, found.members[0]) == 100 * (0.7 - 0.5) / 0.5


def test_what_is_no_better_on_validation_is_kept_separate() -> None:
    found = compared(member("x", 0.4, 50), changes=[change("x", -3.0, "worse")])
    made = recommend(found)
    assert (made.action, made.member) == ("separate", "single")
    assert made.headline.startswith(
        "Keep `a` and `b` separate: the best joint way, x, was behind on validation, "
        "and is at -3.0 %"
    )


def test_no_measurable_difference_is_an_answer() -> None:
    found = compared(member("x", 0.6, 50), changes=[change("x", 0.3, "no clear difference")])
    made = recommend(found)
    assert (made.action, made.member) == ("cheaper", "x")
    assert made.headline == (
        "Train `a` and `b` together with x: no measurable difference from separate networks "
        "(+0.3 % [-0.7, 1.3]), with 25 % of the parameters."
    )
    assert "Nothing in this comparison can be told from noise." in made.sentences
    large = compared(member("x", 0.6, 500), changes=[change("x", 0.3, "no clear difference")])
    assert recommend(large).member == "single"


def test_a_task_that_pays_is_named_and_a_larger_network_that_harms_is_not_advised() -> None:
    changes = [change("x", 0.0, "no clear difference"), change("x", -1.7, "worse", "b")]
    small = recommend(compared(member("x", 0.6, 50), changes=changes))
    assert small.headline.endswith("with 25 % of the parameters; it costs `b` 1.7 %.")
    large = recommend(compared(member("x", 0.6, 202), changes=changes))
    assert large.member == "single"
    assert large.headline.startswith("Keep `a` and `b` separate")


def test_a_smaller_network_that_is_level_on_validation_is_advised() -> None:
    found = compared(member("x", 0.4999, 100), changes=[change("x", 0.2, "no clear difference")])
    assert recommend(found).member == "x"


def test_groups_are_named() -> None:
    settings = {"sharing": {"class": "Hard", "groups": [["a"], ["b"]]}}
    found = compared(
        member("apart", 0.6, 82, settings=settings), changes=[change("apart", 2.0, "better")]
    )
    assert recommend(found).action == "grouped"
