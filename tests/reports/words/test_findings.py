"""Each task that got worse has its sentence; what failed and how sure all is are said."""

import math
from dataclasses import replace

from plait.reports.words.findings import (
    MOST_SENTENCES,
    failure_sentences,
    noise_sentence,
    reading_sentence,
    transfer_sentences,
)
from tests.reports.words.made import breaking, of_members, of_tasks


def test_each_task_that_got_worse_has_a_sentence_the_worst_first() -> None:
    found = [breaking(each) for each in transfer_sentences(of_tasks(a=[-2.0], b=[5.0], c=[-4.0]))]
    assert found == [
        "Negative transfer: c (m0) got worse with joint training (-4.0 % [-4.5, -3.5]).",
        "Negative transfer: a (m0) got worse with joint training (-2.0 % [-2.5, -1.5]).",
    ]


def test_the_networks_that_harm_a_task_are_named_the_worst_first() -> None:
    found = of_members(v=-1.0, w=-2.0, x=-3.0, y=-4.0, z=5.0)
    first, second = map(breaking, transfer_sentences(found))
    assert first == "Negative transfer: b (m) got worse with z (-5.0 % [-5.5, -4.5])."
    assert second == (
        "Negative transfer: a (m) got worse with y (-4.0 % [-4.5, -3.5]), x (-3.0 % [-3.5, -2.5]), "
        "w (-2.0 % [-2.5, -1.5]) and 1 more."
    )


def test_networks_that_were_trained_together_stand_before_merged_ones() -> None:
    found = of_members(x=-3.0, y=-4.0)
    x, y = found.members
    text, *_ = transfer_sentences(replace(found, members=[x, replace(y, kind="merged")]))
    assert breaking(text).startswith("Negative transfer: a (m) got worse with x (-3.0 %")


def test_only_what_is_trained_together_transfers() -> None:
    found = of_members(x=-3.0, y=-4.0)
    members = [replace(each, kind="classical") for each in found.members]
    assert transfer_sentences(replace(found, members=members)) == []


def test_of_many_tasks_the_rest_is_counted() -> None:
    found = of_tasks(**{f"t{i}": [-2.0 - i] for i in range(20)})
    *named, rest = transfer_sentences(found)
    assert len(named) == MOST_SENTENCES
    assert "t19" in named[0]
    assert rest.startswith("12 more tasks got worse")


def test_noise_is_said_with_the_number_of_comparisons() -> None:
    one = noise_sentence(of_tasks(a=[2.0, 3.0], b=[9.0]))
    assert "with one seed they hold the noise of the test part alone" in one
    assert "corrected for 2 comparisons (Holm)" in one
    assert "Nothing can be told" not in one
    assert "and of 2 seeds" in noise_sentence(of_members(x=[1.0, 2.0]))
    assert noise_sentence(replace(of_tasks(a=[1.0]), changes=[])) == ""


def test_it_is_said_when_nothing_can_be_told_from_noise() -> None:
    text = breaking(noise_sentence(of_tasks(a=[0.1], b=[-0.2])))
    start = "Nothing can be told from noise: differences between -0.7 % and +0.6 % are possible."
    assert text.startswith(start)


def test_all_undefined_is_no_noise() -> None:
    assert noise_sentence(of_tasks(a=[math.nan])) == ""


def test_what_failed_and_what_has_no_mean_is_named() -> None:
    found = of_members(3, 4, x=[1.0, math.nan], y=[math.nan, 2.0], z=[1.0, 2.0])
    members = [replace(found.members[0], failed=["", "diverged"]), *found.members[1:]]
    assert failure_sentences(replace(found, members=members)) == [
        "x failed from seed 4: diverged.",
        "The mean over the tasks is undefined for y.",
    ]
    base = replace(found.baseline, failed=["gone", "gone"])
    assert failure_sentences(replace(found, baseline=base))[0] == (
        "No numbers of Separate networks: gone."
    )


def test_what_was_read_of_the_test_part_is_said() -> None:
    found = of_members(x=1.0, y=1.0)
    assert reading_sentence(9, found) == (
        "All choices were made on the validation part alone. The test part was "
        "read once by each of 9 networks, after that choice."
    )
    members = [replace(each, trials=8) for each in found.members]
    tuned = replace(found, members=members, baseline=replace(found.baseline, trials=6))
    assert reading_sentence(1, tuned) == (
        "Settings (6 to 8 trials each) and epochs were chosen on the validation part alone. The "
        "test part was read once by each of 1 network, after that choice."
    )
