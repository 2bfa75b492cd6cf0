"""Labels that are counted by column, against each task's own count."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from plait.core.batch import Batch
from plait.core.errors import DataError
from plait.core.label_counts import LabelCounts, counts_columns
from plait.core.label_table import FEWEST, LabelTable
from plait.tasks import BaseTask, Binary, Classification, MultiLabel, Regression
from tests.operations import Operations

ROWS = 5
FLOATS = (torch.float16, torch.float32, torch.float64)
WHOLE = (torch.uint8, torch.int16, torch.int64)

NUMBERS = [0.0, 1.5, -2.0, math.nan]
YES = [0.0, 1.0, math.nan]


class Other(Regression):
    """Has a rule of its own: negative numbers are missing."""

    def valid(self, target: Any) -> Tensor:
        return super().valid(target) & (target >= 0)


# name: (makes a task, dtypes, tail of the labels' shape, values, values that break the rule)
KINDS: dict[str, tuple[Callable[[str], BaseTask], Any, tuple[int, ...], Any, list[float]]] = {
    "number": (Regression, FLOATS, (), NUMBERS, [math.inf, -math.inf]),
    "column": (Regression, FLOATS, (1,), NUMBERS, [math.inf]),
    "numbers": (lambda n: Regression(n, outputs=3), FLOATS, (3,), NUMBERS, [math.inf]),
    "vector": (lambda n: Regression(n, outputs=3, vector=True), FLOATS, (3,), NUMBERS, [math.inf]),
    "other": (Other, FLOATS, (), NUMBERS, [math.inf]),
    "yes": (Binary, FLOATS, (1,), YES, [2.0, math.inf, 0.5]),
    "flat yes": (Binary, (*FLOATS, torch.bool), (), YES, [2.0, -1.0]),
    "weighted yes": (
        lambda n: Binary(n, class_weights=[0.1 + len(n) / 7, 3.7]),
        FLOATS,
        (),
        YES,
        [2.0],
    ),
    "several": (lambda n: MultiLabel(n, labels=2), FLOATS, (2,), YES, [-1.0]),
    "weighted several": (
        lambda n: MultiLabel(n, labels=2, class_weights=[[0.3, 1.0], [2.0, 0.0]]),
        FLOATS,
        (2,),
        YES,
        [7.0],
    ),
    "class": (lambda n: Classification(n, classes=3), WHOLE, (), [0, 1, 2, -100], [3, -1]),
    "class with 1 ignored": (
        lambda n: Classification(n, classes=3, ignore_index=1),
        WHOLE,
        (),
        [0, 1, 2],
        [5],
    ),
    "weighted class": (
        lambda n: Classification(n, classes=3, class_weights=[0.3, 0.0, 1.9]),
        WHOLE,
        (),
        [0, 1, 2, -100],
        [3],
    ),
}


@st.composite
def tables(draw: Any, *, broken: bool = False) -> tuple[list[BaseTask], dict[str, Tensor]]:
    """Draws tasks of some kinds, each many times, and labels of them; at times one is broken."""
    tasks: list[BaseTask] = []
    targets: dict[str, Tensor] = {}
    rows = draw(st.integers(1, ROWS))
    for kind in draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3, unique=True)):
        make, dtypes, tail, values, _ = KINDS[kind]
        dtype = draw(st.sampled_from(dtypes))
        values = [v for v in values if dtype.is_floating_point or not math.isnan(v)]
        if dtype == torch.uint8:
            values = [v for v in values if v >= 0]
        shown = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))  # some tasks absent
        for number in range(FEWEST + draw(st.integers(0, 2))):
            name = f"{kind} {number}"
            seed = draw(st.integers(0, 2**20))
            chosen = torch.randint(
                len(shown), (rows, *tail), generator=torch.Generator().manual_seed(seed)
            )
            targets[name] = torch.tensor(shown, dtype=torch.float64)[chosen].to(dtype)
            tasks.append(make(name))
    for _ in range(draw(st.integers(1, 2)) if broken else 0):
        name = draw(st.sampled_from(sorted(targets)))
        wrong = draw(st.sampled_from(KINDS[name.rpartition(" ")[0]][4]))
        if targets[name].dtype not in (torch.bool, torch.uint8):
            targets[name] = targets[name].clone()
            targets[name].view(-1)[draw(st.integers(0, targets[name].numel() - 1))] = wrong
    return draw(st.permutations(tasks)), targets


def joined(targets: Mapping[str, Tensor], tasks: list[BaseTask]) -> Mapping[str, Tensor]:
    return LabelTable.of(targets, {task.name for task in tasks if counts_columns(task)})


@settings(max_examples=150)
@given(tables(), st.booleans())
def test_counts_are_those_of_each_task(
    drawn: tuple[list[BaseTask], dict[str, Tensor]], foreign: bool
) -> None:
    tasks, targets = drawn
    if foreign:
        targets["colour"] = torch.zeros(len(next(iter(targets.values()))))
    count = LabelCounts(tasks)
    wanted = {task.name: task.count(targets[task.name]) for task in tasks}
    for _ in range(2):  # the second time by what it has found
        found = count(joined(targets, tasks), {})
        assert found == wanted
        assert list(found) == list(wanted)
    assert all(type(each) is float for each in found.values())
    plain, table = (
        Batch.of(None, each, tasks).parts[0] for each in (targets, joined(targets, tasks))
    )
    assert plain.counts == table.counts
    assert plain.foreign == table.foreign
    assert list(plain.targets) == list(table.targets)
    for name, each in plain.targets.items():
        torch.testing.assert_close(table.targets[name], each, rtol=0, atol=0, equal_nan=True)


@settings(max_examples=150)
@given(tables(broken=True))
def test_a_label_that_breaks_its_rule_is_told_as_by_its_task(
    drawn: tuple[list[BaseTask], dict[str, Tensor]],
) -> None:
    tasks, targets = drawn
    said = []
    for each in (targets, joined(targets, tasks)):
        try:
            said.append(str(Batch.of(None, each, tasks).counts))
        except DataError as error:
            said.append(str(error))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("kind", "dtype", "message"),
    [
        ("number", torch.int64, r"labels of task 'number 0' must be floats \(NaN where missing\)"),
        ("flat yes", torch.complex64, "labels of task 'flat yes 0' must be 0, 1 or NaN"),
        ("class", torch.float32, "labels of task 'class 0' must be whole numbers"),
    ],
)
def test_labels_of_a_wrong_dtype_are_refused_as_by_task(
    kind: str, dtype: torch.dtype, message: str
) -> None:
    tasks = [KINDS[kind][0](f"{kind} {number}") for number in range(FEWEST)]
    targets = {task.name: torch.zeros(3, dtype=dtype) for task in tasks}
    assert isinstance(joined(targets, tasks), LabelTable)
    with pytest.raises(DataError, match=message):
        LabelCounts(tasks)(joined(targets, tasks), {})


@given(tables(), st.data())
def test_weights_by_row_count_as_by_task(
    drawn: tuple[list[BaseTask], dict[str, Tensor]], data: Any
) -> None:
    tasks, targets = drawn
    weighted = data.draw(st.sets(st.sampled_from(sorted(targets))))
    weights = {name: torch.linspace(0, 2, len(targets[name])) for name in weighted}
    plain, table = (
        Batch.of(None, each, tasks, weights=weights) for each in (targets, joined(targets, tasks))
    )
    assert plain.counts == table.counts


def test_a_task_with_a_rule_of_its_own_counts_alone() -> None:
    assert not counts_columns(Other("x"))
    assert counts_columns(Regression("x"))
    assert not counts_columns(Regression("x", bounded=True))


def test_class_weights_whose_sum_depends_on_the_order_are_counted_by_task() -> None:
    tasks = [Binary(f"t{number}", class_weights=[1e-7, 1e7]) for number in range(FEWEST)]
    generator = torch.Generator().manual_seed(0)
    targets = {t.name: torch.randint(2, (999,), generator=generator).float() for t in tasks}
    table = joined(targets, tasks)
    assert isinstance(table, LabelTable)
    values = table.columns(targets)
    assert values is not None
    assert Binary.count_columns(tasks, values) == [None] * FEWEST
    wanted = {task.name: task.count(targets[task.name]) for task in tasks}
    assert LabelCounts(tasks)(table, {}) == wanted


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("vector", "other")])
def test_the_number_of_operations_does_not_grow_with_the_tasks(kind: str) -> None:
    make, _, tail, values, _ = KINDS[kind]
    found = []
    for count in (20, 40):
        tasks = [make(f"{kind} {number}") for number in range(count)]
        labels = torch.tensor(values)[:3].repeat(2)
        targets = {
            task.name: labels.reshape(-1, *[1] * len(tail)).expand(6, *tail) for task in tasks
        }
        table = joined(targets, tasks)
        assert isinstance(table, LabelTable)
        with Operations() as operations:
            LabelCounts(tasks)(table, {})
        found.append(operations.count)
    assert found[0] == found[1]
