"""Members that a diagnosis speaks for."""

from dataclasses import replace

from plait.experiments.advise.candidates import MOST, candidates, grouped
from plait.runs.diagnosis import Diagnosis, Group, Grouping, LossScale, Opposed

QUIET = Diagnosis(
    tasks=["a", "b", "c"],
    source="config",
    title="t",
    steps=10,
    batches=4,
    sentences=[],
    advice="",
    shared=[],
    shares={"a": 0.4, "b": 0.3, "c": 0.3},
)
OPPOSED = Opposed(first="a", second="c", cosine=-0.4, low=-0.6, high=-0.2, rate=0.9)


def names(found: Diagnosis, worse: list[str]) -> list[str]:
    return [each.member.name for each in candidates(found, worse)]


def test_without_conflict_cheap_ways_are_tried() -> None:
    assert names(QUIET, []) == ["uncertainty-weights", "mean-regularised"]


def test_conflict_speaks_for_parameters_of_their_own_and_upgrad() -> None:
    found = candidates(replace(QUIET, opposed=[OPPOSED]), [])
    assert [each.member.name for each in found] == ["mmoe", "cross-stitch", "upgrad"]
    assert all("`a` and `c` pull against each other (cosine -0.40)" in e.reason for e in found)


def test_groups_come_first() -> None:
    groups = [Group(tasks=["a", "b"]), Group(tasks=["c"])]
    found = replace(QUIET, grouping=Grouping(groups=groups, gain=0.1, search="exact"))
    first, *_ = candidates(found, ["c"])
    assert first.member.settings["sharing"] == {"class": "Hard", "groups": [["a", "b"], ["c"]]}
    assert names(found, ["c"]).count("apart") == 0, "the same groups are not tried twice"
    assert names(found, ["a"])[:2] == ["grouped", "apart"]


def test_a_task_that_gets_worse_is_tried_apart() -> None:
    found = candidates(QUIET, ["b"])
    assert found[0].member.settings["sharing"]["groups"] == [["a", "c"], ["b"]]
    assert found[0].reason == "joint training costs `b`"


def test_a_task_that_drowns_speaks_for_weights() -> None:
    small = replace(QUIET, shares={"a": 0.98, "b": 0.01, "c": 0.01})
    assert candidates(small, [])[0].reason == "`b`, `c` have hardly a share in the update"
    scale = {
        task: LossScale(first=1.0, loss=1.0, norm=norm, batches=4)
        for task, norm in (("a", 50.0), ("b", 1.0), ("c", 2.0))
    }
    told = candidates(replace(QUIET, losses=scale), [])[0].reason
    assert told == "the gradient of `a` is 50 times as long as that of `b`"


def test_there_are_only_a_few() -> None:
    groups = [Group(tasks=["a", "b"]), Group(tasks=["c"])]
    loud = replace(
        QUIET,
        opposed=[OPPOSED],
        shares={"a": 0.98, "b": 0.01, "c": 0.01},
        grouping=Grouping(groups=groups, gain=0.1, search="exact"),
    )
    assert len(candidates(loud, ["a"])) == MOST


def test_a_group_is_an_encoder() -> None:
    member = grouped([["a", "b"], ["c"]])
    assert member.title == "Grouped: a + b; c"
