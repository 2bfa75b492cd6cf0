"""Each finding is a sentence with its numbers."""

from dataclasses import replace
from typing import Any

import pytest

from plait.experiments.diagnosis.words import NO_BALANCER, advice, duration, sentences
from plait.runs.diagnosis import (
    Affinity,
    Conflict,
    Diagnosis,
    Forecast,
    Group,
    Grouping,
    LossScale,
    Opposed,
    SharedBy,
)

PLAIN = Diagnosis(
    tasks=["seg", "depth"],
    source="model",
    title="",
    steps=None,
    batches=16,
    sentences=[],
    advice="",
    shared=[SharedBy(tasks=["seg", "depth"], parameters=10)],
    conflict=Conflict(
        parameters=10, tasks=["seg", "depth"], cosine=0.31, rate=0.03, norms=[1.0, 1.0]
    ),
    losses={
        "seg": LossScale(first=None, loss=1.0, norm=1.0, batches=16),
        "depth": LossScale(first=None, loss=2.0, norm=1.0, batches=16),
    },
    shares={"seg": 0.4, "depth": 0.6},
)
OPPOSED = Opposed(first="seg", second="depth", cosine=-0.5, low=-0.6, high=-0.4, rate=1.0)
APART = Grouping(
    groups=[Group(tasks=["seg"]), Group(tasks=["depth"])],
    gain=0.021,
    search="exact",
    check_seconds=600.0,
)
AFFINITY = Affinity(method="TAG", values=[], batches=16, step=0.1)


def far(seg: float, depth: float) -> dict[str, Any]:
    return {
        "losses": {
            "seg": LossScale(first=None, loss=seg, norm=1.0, batches=1),
            "depth": LossScale(first=None, loss=depth, norm=1.0, batches=1),
        }
    }


def test_no_conflict_is_said_plainly() -> None:
    (said,) = sentences(PLAIN)
    assert said == (
        "No conflict seen between the tasks' gradients (mean cosine +0.31, below zero in 3 % of "
        f"the pairs and batches): {NO_BALANCER}."
    )
    assert advice(PLAIN).endswith(f"{NO_BALANCER}.")


@pytest.mark.parametrize(
    ("changes", "said", "to_do"),
    [
        ({"opposed": [OPPOSED]}, "cosine -0.50 [-0.60, -0.40]", "balancing=UPGrad"),
        (far(1.0, 640.0), "The loss of depth is 640 x that of seg.", "give the small losses"),
        (
            {"shares": {"seg": 0.97, "depth": 0.03}},
            "seg is 97 % of the plain sum",
            "evens out scales",
        ),
        ({"shares": {"seg": 1.1, "depth": -0.1}}, "works against depth", "evens out scales"),
        (
            {"grouping": APART, "affinity": AFFINITY},
            "checking it takes about 10 minutes",
            "Train 2 networks",
        ),
        ({"conflict": None}, "share no parameter", "sharing=Hard"),
        ({"batches": 3}, "Too few batches", "at least 4 batches"),
        ({"tasks": ["seg"]}, "one task, seg", "as it is"),
    ],
)
def test_each_finding_has_its_sentence(changes: dict[str, Any], said: str, to_do: str) -> None:
    found = replace(PLAIN, **changes)
    assert said in " ".join(sentences(found))
    assert to_do in advice(found)


def test_costs_are_told() -> None:
    costs = [
        Forecast(balancer="Equal", seconds=0.01, ratio=1.0, memory=1 << 20, passes="1"),
        Forecast(balancer="UPGrad", seconds=0.03, ratio=3.0, memory=1 << 21, passes="T"),
        Forecast(balancer="GLS", seconds=None, ratio=None, memory=None, passes="", why="no"),
    ]
    assert sentences(replace(PLAIN, forecast=costs))[-1] == (
        "A step of the plain sum takes 10 ms and 1 MiB; the other balancers take up to 3.0 x the "
        "time (UPGrad)."
    )
    assert duration(100) == "100 seconds"


def test_where_one_task_is_nearly_all_of_the_update_weights_may_pay() -> None:
    found = replace(PLAIN, shares={"seg": 0.97, "depth": 0.03})
    assert NO_BALANCER not in " ".join(sentences(found))
    assert "a method that resolves conflicts will not pay" in sentences(found)[0]
