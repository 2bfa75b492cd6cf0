"""The vector of a block's losses is what each task's own `loss` gives."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.tasks import Binary, Classification, MultiLabel, Regression
from plait.tasks.base import BaseTask
from plait.tasks.block import losses_of

pytestmark = pytest.mark.usefixtures("double")

T, B = 5, 7
Make = Callable[[int], BaseTask]


def number_labels(*shape: int) -> Tensor:
    return 3 * torch.randn(*shape)


def yes_or_no(*shape: int) -> Tensor:
    return torch.randint(2, shape).to(torch.get_default_dtype())


KINDS: dict[str, tuple[Make, int, Callable[[], Tensor]]] = {
    "squared": (lambda i: Regression(f"t{i}"), 1, lambda: number_labels(B)),
    "absolute": (lambda i: Regression(f"t{i}", error="absolute"), 1, lambda: number_labels(B, 1)),
    "huber": (
        lambda i: Regression(f"t{i}", error="huber", outputs=3, scale=[1.0, 2.0, i + 0.5]),
        3,
        lambda: number_labels(B, 3),
    ),
    "vector": (
        lambda i: Regression(f"t{i}", outputs=2, vector=True, mean=float(i), scale=i + 0.5),
        2,
        lambda: number_labels(B, 2),
    ),
    "binary": (lambda i: Binary(f"t{i}"), 1, lambda: yes_or_no(B)),
    "weighted binary": (
        lambda i: Binary(f"t{i}", class_weights=[1.0, i + 2.0]),
        1,
        lambda: yes_or_no(B, 1),
    ),
    "labels": (lambda i: MultiLabel(f"t{i}", labels=3), 3, lambda: yes_or_no(B, 3)),
    "weighted labels": (
        lambda i: MultiLabel(f"t{i}", labels=2, class_weights=[[1.0, i + 2.0], [0.5, 3.0]]),
        2,
        lambda: yes_or_no(B, 2),
    ),
    "classes": (lambda i: Classification(f"t{i}", classes=4), 4, lambda: torch.randint(4, (B,))),
    "classes, one of them ignored": (
        lambda i: Classification(f"t{i}", classes=4, ignore_index=2),
        4,
        lambda: torch.randint(4, (B,)),
    ),
    "weighted classes": (
        lambda i: Classification(f"t{i}", classes=4, class_weights=[1.0, 2.0, i + 1.0, 0.5]),
        4,
        lambda: torch.randint(4, (B,)),
    ),
}


def drop(task: BaseTask, labels: Tensor, missing: Tensor) -> Tensor:
    """Returns labels of which some are missing; the first stays, so that the task is there."""
    labels = labels.clone()
    labels[1:][missing[1:]] = int(task.missing) if labels.dtype == torch.int64 else math.nan
    return labels


def check(
    tasks: Sequence[BaseTask],
    numbers: int,
    labels: Sequence[Tensor],
    weights: Sequence[Tensor] | None = None,
    rows: Sequence[int] | None = None,
    *,
    dtype: torch.dtype | None = None,
    tolerance: float = 1e-10,
) -> None:
    """Compares values and gradients with those of the tasks one by one."""
    present = [*range(len(tasks))] if rows is None else list(rows)
    prediction = torch.randn(B, len(present), numbers, dtype=dtype).requires_grad_()
    again = prediction.detach().clone().requires_grad_()
    given = [None] * len(present) if weights is None else list(weights)
    counts = [
        tasks[row].count(each, w) for row, each, w in zip(present, labels, given, strict=True)
    ]
    one_by_one = torch.stack(
        [
            tasks[row].loss(again[:, place], each, w, count=count)
            for place, (row, each, w, count) in enumerate(
                zip(present, labels, given, counts, strict=True)
            )
        ]
    )
    block = losses_of(tasks)
    fitted = block.fitted(torch.stack(list(labels), dim=1))
    assert fitted is not None
    found = block(
        prediction,
        fitted,
        counts,
        None if weights is None else torch.stack(list(weights), dim=1),
        None if rows is None else torch.tensor(rows),
    )
    close: dict[str, Any] = {"rtol": tolerance, "atol": tolerance}
    assert found.dtype == torch.promote_types(prediction.dtype, torch.float32)
    torch.testing.assert_close(found, one_by_one.to(found.dtype), **close)
    slopes = torch.rand(len(present), dtype=found.dtype)
    (found * slopes).sum().backward()
    (one_by_one * slopes).sum().backward()
    torch.testing.assert_close(prediction.grad, again.grad, **close)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("some", [0.0, 0.4])
@pytest.mark.parametrize("weighted", [None, "examples", "labels"])
def test_a_vector_of_losses_is_the_tasks_one_by_one(
    kind: str, some: float, weighted: str | None
) -> None:
    make, numbers, draw = KINDS[kind]
    tasks = [make(position) for position in range(T)]
    labels = [
        drop(task, each, torch.rand(each.shape) < some) for task in tasks for each in [draw()]
    ]
    if "ignored" in kind:
        labels = [each.index_fill(0, torch.tensor([0]), 1) for each in labels]
    weights = None
    if weighted is not None:
        shape = tasks[0].valid(labels[0]).shape if weighted == "labels" else (B,)
        weights = [torch.rand(shape) * (torch.rand(shape) > 0.3) for _ in tasks]
        weights = [w.index_fill(0, torch.tensor([0]), 0.5) for w in weights]
    check(tasks, numbers, labels, weights)


def test_a_mass_that_equals_the_number_of_labels_hides_no_missing_one() -> None:
    """Weights of 3, 3 and 1 add up to 7, as many as the batch has examples, of which 4 have none.

    A missing label that is taken for one that is there makes each gradient of the block NaN.
    """
    labels = [torch.tensor([1.0, 1.0, 0.0, *[math.nan] * (B - 3)]) for _ in range(T)]
    check([Binary(f"t{number}", class_weights=[1.0, 3.0]) for number in range(T)], 1, labels)
    classes = [torch.tensor([1, 1, 0, *[-100] * (B - 3)]) for _ in range(T)]
    weighted = [Classification(f"t{n}", classes=2, class_weights=[1.0, 3.0]) for n in range(T)]
    check(weighted, 2, classes)


@pytest.mark.parametrize("kind", KINDS)
def test_absent_tasks_keep_their_numbers_to_themselves(kind: str) -> None:
    make, numbers, draw = KINDS[kind]
    tasks = [make(position) for position in range(T)]
    labels = [draw().index_fill(0, torch.tensor([0]), 1) for _ in range(3)]
    check(tasks, numbers, labels, rows=[0, 3, 4])


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_summed_in_single(kind: str) -> None:
    torch.set_default_dtype(torch.float32)
    make, numbers, draw = KINDS[kind]
    tasks = [make(position) for position in range(T)]
    labels = [draw().index_fill(0, torch.tensor([0]), 1) for _ in tasks]
    check(tasks, numbers, labels, dtype=torch.bfloat16, tolerance=0.02)


def test_units_that_are_read_later_count() -> None:
    tasks = [Regression(f"t{position}") for position in range(T)]
    block = losses_of(tasks)
    prediction, labels = torch.randn(B, T, 1), torch.randn(B, T, 1)
    before = block(prediction, labels, [float(B)] * T)
    for position, task in enumerate(tasks):
        task.fit_labels(torch.tensor([0.0, 2.0 * (position + 1)]))  # a deviation of position + 1
    after = block(prediction, labels, [float(B)] * T)
    torch.testing.assert_close(after, before / torch.arange(1.0, T + 1) ** 2)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_another_shape_do_not_fit(kind: str) -> None:
    make, numbers, _ = KINDS[kind]
    block = losses_of([make(position) for position in range(T)])
    assert block.fitted(torch.zeros(B, T, numbers + 1)) is None
    assert block.fitted(torch.zeros(B, T, numbers, 1)) is None


@given(st.lists(st.booleans(), min_size=B * T, max_size=B * T), st.sampled_from([*KINDS]))
def test_whatever_is_missing(missing: list[bool], kind: str) -> None:
    torch.set_default_dtype(torch.float64)
    make, numbers, draw = KINDS[kind]
    tasks = [make(position) for position in range(T)]
    table = torch.tensor(missing).reshape(T, B)
    labels = []
    for task, gone in zip(tasks, table, strict=True):
        each = draw().index_fill(0, torch.tensor([0]), 1)
        labels.append(drop(task, each, gone.reshape(B, *[1] * (each.dim() - 1)).expand(each.shape)))
    check(tasks, numbers, labels)
