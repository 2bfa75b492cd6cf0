"""Lines of the log: what of a step is in them, however many tasks there are."""

import json
import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from plait.balancing import Balancer, Equal, UPGrad
from plait.engine import Record
from plait.model import MultiTaskModel
from plait.runs.logged import steps_of
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import StepRecord, Trainer
from plait.training.device_sums import DeviceSums
from plait.training.records import MOST_PAIRS, logs_cosines, step_event
from tests.training.problem import events


@given(st.integers(1, 400), st.integers(1, 30))
def test_a_step_has_500_cosines_on_average_or_all(tasks: int, period: int) -> None:
    pairs = tasks * (tasks - 1) // 2
    steps = 4000
    logged = [s for s in range(period, steps + 1, period) if logs_cosines(s, tasks, period)]
    if pairs <= MOST_PAIRS * period:
        assert logged == list(range(period, steps + 1, period))
    else:
        assert len(logged) >= 1
        # one step too many at the beginning, and one in the window that is not full
        assert (len(logged) - 2) * pairs <= MOST_PAIRS * steps
        assert logged[0] <= -(-pairs // MOST_PAIRS) + period


def lines(folder: Path, tasks: int, balancer: Balancer, **options: Any) -> list[dict[str, Any]]:
    """The steps of a training with so many tasks on one linear trunk."""
    names = [f"t{i}" for i in range(tasks)]
    torch.manual_seed(0)
    inputs = torch.randn(9, 4)
    model = MultiTaskModel(
        Hard(nn.Linear(4, 2)), [Regression(name) for name in names], example=inputs
    )
    batch = (inputs, {name: torch.randn(9) for name in names})
    Trainer(model, balancer, epochs=6, device="cpu", run=folder, **options).fit([batch])
    return [line for line in events(folder) if line["event"] == "step"]


@pytest.mark.parametrize(
    ("tasks", "balancer", "options", "expected"),
    [
        (32, UPGrad(), {}, [1, 2, 3, 4, 5, 6]),  # 496 pairs
        (40, UPGrad(), {}, [1, 3, 5]),  # 780 pairs
        (40, Equal(), {"measure_every": 3}, [3, 6]),
        (50, UPGrad(), {"every": 2}, [1, 5]),  # 1225 pairs; found at 1, 3 and 5
        (3, Equal(), {}, []),
    ],
)
def test_the_log_does_not_grow_with_the_square_of_the_tasks(
    tasks: int, balancer: Balancer, options: dict[str, Any], expected: list[int], tmp_path: Path
) -> None:
    found = lines(tmp_path, tasks, balancer, **options)
    logged = [line for line in found if "cosines" in line]
    assert [line["step"] for line in logged] == expected
    assert all(len(line["cosines"]) == tasks * (tasks - 1) // 2 for line in logged)
    assert all(len(line["norms"]) == tasks for line in logged)


NAMES = ("a", "b", "c", "d")
WHERE: dict[str, Any] = {"step": 1, "epoch": 0, "lr": 0.1, "seconds": 1.0}


def record(losses: dict[str, float], balance: Record | None = None, **more: Any) -> StepRecord:
    sums = DeviceSums()
    for task, loss in losses.items():
        sums.add(("loss", task), torch.tensor(loss, dtype=torch.float64))
    return StepRecord(dict.fromkeys(losses, 1.0), balance, sums=sums, **more)


def by_name(row: Any) -> dict[str, float]:
    return {name: x for name, x in zip(NAMES, row, strict=True) if not math.isnan(x)}


@given(st.permutations(NAMES), st.integers(1, 4), st.integers(0, 100))
def test_each_number_is_at_the_place_of_its_task(order: list[str], count: int, seed: int) -> None:
    """Whatever the order of the tasks in the step; of each pair, the cosine of the two."""
    tasks, draw = tuple(order[:count]), np.random.default_rng(seed)
    losses = dict(zip(tasks, draw.normal(size=count).tolist(), strict=True))
    weights, norms = draw.normal(size=(2, count))
    cosines = draw.normal(size=(count, count))
    cosines += cosines.T
    balance = Record(tasks, np.array(list(losses.values())), weights, norms, cosines)
    found = step_event(record(losses, balance, shares=losses), NAMES, **WHERE)
    assert by_name(found.losses) == by_name(found.shares) == losses
    if count > 1:
        assert by_name(found.weights) == dict(zip(tasks, weights.tolist(), strict=True))
        assert by_name(found.norms) == dict(zip(tasks, norms.tolist(), strict=True))
    known = {
        frozenset((a, b)): cosines[tasks.index(a), tasks.index(b)] for a in tasks for b in tasks
    }
    pairs = zip(combinations(NAMES, 2), found.cosines, strict=True) if count > 1 else ()
    for pair, cosine in pairs:
        assert cosine == known.get(frozenset(pair)) or math.isnan(cosine or 0.0)


@pytest.mark.parametrize(
    ("labelled", "weights", "expected"),
    [
        (NAMES, [2.0] * 4, 2.0),
        (NAMES[:2], [0.0] * 2, 0.0),  # those without a label have none
        (NAMES[:1], [0.5], 0.5),
        (NAMES[:2], [1.0, 2.0], {"a": 1.0, "b": 2.0}),
        (NAMES, [1.0, 1.0], {"a": 1.0, "b": 1.0}),  # of several batches, not all with each label
    ],
)
def test_equal_numbers_of_all_with_a_label_are_one(
    labelled: tuple[str, ...], weights: list[float], expected: float | dict[str, float]
) -> None:
    tasks = labelled[: len(weights)]
    balance = Record(tasks, np.ones(len(tasks)), np.array(weights))
    found = step_event(record(dict.fromkeys(labelled, 1.0), balance), NAMES, **WHERE)
    assert (
        by_name(found.weights) if isinstance(found.weights, list) else found.weights
    ) == expected
    assert found.norms == found.cosines == found.shares == []


def test_a_skipped_step_has_the_losses_that_are_finite() -> None:
    losses = {"a": 1.0, "b": math.nan, "c": math.inf}
    found = step_event(record(losses, skipped="bad"), NAMES, **WHERE)
    assert (by_name(found.losses), found.skipped, found.weights) == ({"a": 1.0}, "bad", [])


@pytest.mark.parametrize("tasks", [32, 33])
def test_what_is_read_is_what_was_recorded(tasks: int, tmp_path: Path) -> None:
    """Whole up to 32 tasks, in six digits above; the weights of the plain sum are one number."""
    found = lines(tmp_path, tasks, Equal(), measure_every=2, log_every=2)
    raw = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert raw[0] == {"event": "tasks", "names": [f"t{i}" for i in range(tasks)]}
    assert [line["event"] for line in raw].count("tasks") == 1
    digits = [len(f"{x!r}".lstrip("-0.").replace(".", "")) for x in raw[-2]["losses"]]
    assert (max(digits) > 7) == (tasks == 32)
    steps = steps_of(tmp_path)
    assert (steps.weights == 1.0).all() and steps.weights.shape == (6, tasks)
    for name in ("losses", "norms"):
        table = getattr(steps, name)
        for place, line in enumerate(found):
            known = {t: x for t, x in zip(steps.names, table[place], strict=True) if x == x}
            assert known == line.get(name, {})
