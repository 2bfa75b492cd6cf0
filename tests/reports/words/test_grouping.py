"""A proposal in words: what is predicted, and what a check would cost."""

from dataclasses import replace

from plait.reports.words.grouping import gain, group_name, grouping_sentences
from plait.runs.diagnosis import Group, Grouping
from tests.reports.words.made import breaking

TWO = Grouping(
    groups=[Group(tasks=["a", "b"]), Group(tasks=["c"])],
    gain=0.00123,
    search="exact",
    check_seconds=620.0,
    check="plait compare config.yaml",
)


def test_a_proposal_has_its_prediction_and_its_price() -> None:
    assert [breaking(each) for each in grouping_sentences(TWO)] == [
        "2 networks are proposed, the best of all splits by the affinities.",
        "Predicted: in each step a loss falls by +0.12 % of itself more than in one network of all "
        "tasks, on average over the tasks. A prediction is no measurement.",
        "To check it, about 10 min 20 s of training: plait compare config.yaml",
    ]


def test_what_is_not_known_is_not_said() -> None:
    bare = replace(TWO, gain=None, search="greedy", check_seconds=None)
    assert grouping_sentences(bare) == [
        "2 networks are proposed, the best of the splits that were tried by the affinities.",
        "To check it: plait compare config.yaml",
    ]


def test_one_network_is_no_split() -> None:
    (text,) = grouping_sentences(replace(TWO, groups=TWO.groups[:1]))
    assert text.startswith("One network of all tasks is proposed")


def test_long_groups_are_cut() -> None:
    assert group_name(TWO.groups[0]) == "a and b"
    long = group_name(Group(tasks=[f"t{i}" for i in range(15)]))
    assert long.endswith("t11 and 3 more")


def test_a_gain_has_its_sign() -> None:
    assert [breaking(gain(each)) for each in (0.5, -0.001, 0.0)] == ["+50 %", "-0.1 %", "+0 %"]
