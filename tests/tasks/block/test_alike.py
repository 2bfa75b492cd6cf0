"""Of one kind are tasks whose labels, losses and heads differ in numbers alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from plait.core.features import FeatureShape
from plait.tasks import BaseTask, Binary, Classification, MultiLabel, Regression, Survival
from plait.tasks.block import kind_of

SHAPE = FeatureShape([(4,)])  # type: ignore[arg-type]


def kind(task: BaseTask) -> Any:
    return kind_of(task, task.build_head(SHAPE))


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (Regression, {"weight": 2.0}),
        (Regression, {"metrics": {}}),
        (lambda name, **o: Regression(name, **{"mean": 0.0, "scale": 1.0, **o}), {"scale": 2.0}),
        (Binary, {"weight": 2.0, "names": ("off", "on")}),
        (lambda name, **o: Binary(name, class_weights=[1, 2], **o), {"weight": 3.0}),
        (lambda name, **o: Classification(name, classes=3, **o), {"prior": [1, 1, 2]}),
        (lambda name, **o: MultiLabel(name, labels=3, **o), {"names": ["x", "y", "z"]}),
    ],
)
def test_numbers_do_not_part_tasks(make: Callable[..., BaseTask], other: dict[str, Any]) -> None:
    first, second = kind(make("a")), kind(make("b", **other))
    assert first is not None
    assert first == second and hash(first) == hash(second)


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (Regression, {"outputs": 2}),
        (Regression, {"error": "huber"}),
        (Regression, {"hidden": (3,)}),
        (Regression, {"mean": 0.0, "scale": 1.0}),  # whose unit is the head's own
        (lambda name, **o: Regression(name, outputs=2, **o), {"vector": True}),
        (Binary, {"class_weights": [1, 2]}),
        (Binary, {"pooling": "max"}),
        (lambda name, **o: Classification(name, **{"classes": 3, **o}), {"classes": 4}),
        (lambda name, **o: Classification(name, classes=3, **o), {"ignore_index": -1}),
        (lambda name, **o: MultiLabel(name, **{"labels": 3, **o}), {"labels": 2}),
    ],
)
def test_structure_parts_them(make: Callable[..., BaseTask], other: dict[str, Any]) -> None:
    first, second = kind(make("a")), kind(make("b", **other))
    assert None not in (first, second)
    assert first != second


def test_classes_part_tasks_with_equal_heads() -> None:
    assert kind(Binary("a")) != kind(MultiLabel("b", labels=1))


class Own(Regression):
    """A task of the user's own, whose loss may be any."""


@pytest.mark.parametrize(
    "task",
    [
        Regression("a", bounded=True),
        Classification("a", classes=3, focal=2.0),
        Own("a"),
        Survival("a", cuts=[1.0, 2.0, 3.0]),
    ],
)
def test_of_no_kind(task: BaseTask) -> None:
    assert kind(task) is None


class OwnLinear(nn.Linear):
    """A layer of the user's own."""


def hooked(head: nn.Module) -> None:
    head.get_submodule("head.layers").register_forward_hook(lambda *_: None)


def replaced(head: nn.Module) -> None:
    head.get_submodule("head.layers")[0] = OwnLinear(4, 1)  # type: ignore[index]


def normed(head: nn.Module) -> None:
    parametrizations.weight_norm(head.get_submodule("head.layers.0"))


def overridden(head: nn.Module) -> None:
    layer = head.get_submodule("head.layers.0")
    layer.forward = lambda value: value  # type: ignore[method-assign]


def watched(head: nn.Module) -> None:
    head.get_parameter("head.layers.0.bias").register_hook(lambda gradient: gradient)


@pytest.mark.parametrize("change", [hooked, replaced, normed, overridden, watched])
def test_a_head_that_was_changed_is_of_no_kind(change: Callable[[nn.Module], None]) -> None:
    task = Regression("a")
    head = task.build_head(SHAPE)
    assert kind_of(task, head) is not None
    change(head)
    assert kind_of(task, head) is None
    assert kind_of(task, nn.Linear(4, 1)) is None


def test_dtypes_part_heads() -> None:
    task = Regression("a")
    assert kind_of(task, task.build_head(SHAPE)) != kind_of(task, task.build_head(SHAPE).double())
    assert torch.get_default_dtype() == torch.float32
