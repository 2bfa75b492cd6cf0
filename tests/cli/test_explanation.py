"""Sets of tasks and their shares, in words."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plait.cli.explanation import MOST_SETS, named, sentences, shares
from plait.experiments.explanation import Explanation
from plait.experiments.explanation.explain import Link, Tie
from plait.runs.diagnosis import SharedBy

FOUND = Explanation(
    tasks=["a", "b", "c"],
    unlabelled=[],
    sharing="Hard",
    modules=[],
    totals=[SharedBy(tasks=["a", "b", "c"], parameters=10)],
    parameters=10,
    frozen=0,
    ties=[],
    links=[],
    balancer="Equal",
    learned=0,
    passes="1, of the weighted sum",
    tasks_in_step=3,
    batches=1,
    every=1,
    heads=[],
)


def test_each_finding_is_a_sentence() -> None:
    found = replace(
        FOUND,
        unlabelled=["c"],
        frozen=7,
        ties=[Tie("MeanRegularized", "prox", 0.1, ["a", "b", "c"], 30)],
        links=[Link("Hint", "by a penalty", [("a", "b")])],
        balancer="UncertaintyWeights",
        learned=3,
        batches=2,
        every=4,
        heads=["heads stay apart: 12 frozen"],
        passes="T, a row of gradients for each task",
        processes="rows",
        summed=2_890_000,
        rows=1_445_000,
    )
    assert sentences(found) == [
        "Trained by all 3 tasks: 100 % (10).",
        "Frozen: 7 parameters.",
        "MeanRegularized acts on 30 parameters of all 3 tasks: mode prox, strength 0.1.",
        "Hint connects by a penalty: a -> b.",
        "Balanced by UncertaintyWeights, which learns 3 weights. Backward passes of a step of 2 "
        "batches: T, a row of gradients for each task every 4 steps, and 1 in between, T = 3.",
        "Several processes (--nproc) would take a step by rows: 2.9 MB of each are summed, and "
        "1.4 MB of memory for the rows.",
        "Heads stay apart: 12 frozen.",
        "No label of c alone in the batches that were looked at, so it is not known what they "
        "reach.",
    ]


def test_many_tasks_of_their_own_are_one_line() -> None:
    tasks = [f"t{i}" for i in range(139)]
    totals = [SharedBy(tasks=tasks, parameters=139)]
    totals += [SharedBy(tasks=[task], parameters=1) for task in tasks]
    assert shares(totals, tasks) == [
        "all 139 tasks: 50 % (139)",
        "one task alone, 139 of them together: 50 % (139)",
    ]
    assert named(tasks[:6], tasks) == "t0, t1, t2, t3 and 2 more"


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=40))
def test_lines_add_up_to_the_whole(counts: list[int]) -> None:
    tasks = [f"t{i}" for i in range(50)]
    totals = [SharedBy(tasks=tasks[i : i + 3], parameters=n) for i, n in enumerate(counts)]
    lines = shares(totals, tasks)
    assert len(lines) == min(len(counts), MOST_SETS + 1)
    told = [int(line.rpartition("(")[2].rstrip(")").replace(",", "")) for line in lines]
    assert sum(told) == sum(counts)


def test_several_processes() -> None:
    assert "cannot train with Equal so" in sentences(FOUND)[-1]
    found = replace(FOUND, processes="one pass", summed=40_000)
    assert sentences(found)[-1] == (
        "Several processes (--nproc) would take a step in one pass: 40 kB of each are summed."
    )
    assert "at the features" in sentences(replace(found, processes="features"))[-1]
    ahead = replace(found, processes="ahead", balancer="MOML")
    assert sentences(ahead)[-1] == (
        "Several processes (--nproc) would look ahead together: 40 kB of each are summed for each "
        "gradient that MOML takes, and for the step."
    )
    parts = replace(found, processes="rows", gathered=7_000_000, rows=2_000_000)
    assert sentences(parts)[-1] == (
        "Several processes (--nproc) would take a step by rows, with parts of the model in each: "
        "7 MB are gathered and scattered, 40 kB of each are summed, and 2 MB of memory for the "
        "rows in all of them together."
    )
    assert "Several" not in "".join(sentences(replace(FOUND, passes="")))
