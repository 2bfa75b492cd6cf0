"""What every kind of task in `plait.tasks.__all__` promises; a new one is tested unasked."""

import ast
import inspect
import json
import math
import pickle
import textwrap
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import plait.tasks
from plait.core.errors import UnsupportedError
from plait.core.features import Features, FeatureShape
from plait.core.geometry import Geometry
from plait.core.lookup import names, parameters
from plait.model.describe import describe, rebuild
from plait.tasks import BaseTask, Survival, Task
from plait.tasks.heads import ScalarHead

KINDS = names(plait.tasks, BaseTask)
BATCH, SIDE, TOKENS = 4, 6, 5
OTHER = 2  # numbers that the head of a task of geometry "other" gives


def scalar_head(shape: FeatureShape) -> nn.Module:
    return ScalarHead(shape, OTHER)


def squared(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction - target) ** 2


# What a kind needs is filled in by the name of its option
OPTIONS: dict[str, Any] = {
    "classes": 3,
    "cuts": [1.0, 2.0],
    "head": scalar_head,
    "labels": 2,
    "loss": squared,
}


def bare(kind: str, **options: Any) -> BaseTask:
    """A task with no option but those that it needs."""
    cls = getattr(plait.tasks, kind)
    needed = {
        name: OPTIONS[name]
        for name, parameter in parameters(cls).items()
        if name != "name" and parameter.default is inspect.Parameter.empty
    }
    made: BaseTask = cls("y", **{**needed, **options})
    return made


def features(task: BaseTask) -> tuple[Features, FeatureShape]:
    """Random features that a head of the task can read: tokens for tags, else maps."""
    if task.geometry == "tags":
        shape = FeatureShape(((TOKENS, 8),), channel_dim=-1)
    else:
        shape = FeatureShape(((8, SIDE, SIDE),))
    levels = tuple(torch.randn(BATCH, *level) for level in shape.levels)
    return Features(levels, channel_dim=shape.channel_dim, grid=(SIDE, SIDE)), shape


def predicted(task: BaseTask) -> Tensor:
    """What a new head of the task predicts for random features."""
    found, shape = features(task)
    prediction: Tensor = task.build_head(shape)(found)
    return prediction


def labels_for(task: BaseTask, prediction: Tensor) -> Tensor:
    """Random labels that fit a prediction, by what its numbers mean."""
    if task.kind.of == "classes":
        shape = prediction.movedim(task.kind.axis, -1).shape
        return torch.randint(0, shape[-1], shape[:-1])
    if task.kind.of == "labels":
        rows, columns = (torch.arange(length) for length in prediction.shape)
        return ((rows[:, None] + columns) % 2).float()  # both, whichever row is taken away
    if isinstance(task, Survival):
        return torch.tensor([[0.5, 1.0], [0.5, 1.0], [1.5, 1.0], [2.5, 0.0]])
    return torch.randn(prediction.shape)


@pytest.fixture(params=KINDS)
def task(request: pytest.FixtureRequest) -> BaseTask:
    return bare(request.param)


def test_all_kinds_are_here() -> None:
    assert {"Classification", "MultiLabel", "Regression", "Task"} <= set(KINDS)
    assert "BaseTask" not in KINDS


# --- classes --------------------------------------------------------------------------------


def family(cls: type) -> Iterator[type]:
    yield cls
    for child in cls.__subclasses__():
        if child.__module__.startswith("plait."):
            yield from family(child)


def test_a_class_is_abstract_or_not_derived_from() -> None:
    for cls in family(BaseTask):
        derived = [child for child in family(cls) if child is not cls]
        assert inspect.isabstract(cls) == bool(derived), cls


def test_no_attribute_is_read_that_a_bare_instance_lacks(task: BaseTask) -> None:
    for cls in type(task).__mro__:
        if not cls.__module__.startswith("plait."):
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(cls)))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
            ):
                assert hasattr(task, node.attr), f"{cls.__name__} reads self.{node.attr}"


def test_options_are_described_and_built_again(task: BaseTask) -> None:
    described = describe(task)
    if type(task) is Task:
        assert described is None, "functions are in no file"
        return
    again = rebuild(described, "tasks")
    assert type(again) is type(task)
    assert describe(again) == described


def test_it_crosses_to_workers(task: BaseTask) -> None:
    prediction = predicted(task)
    target = labels_for(task, prediction)
    copy = pickle.loads(pickle.dumps(task))
    assert copy.loss(prediction, target).item() == task.loss(prediction, target).item()


# --- labels and losses ----------------------------------------------------------------------


def test_its_head_learns_from_labels_that_fit_its_kind(task: BaseTask) -> None:
    found, shape = features(task)
    head = task.build_head(shape)
    prediction = head(found)
    loss = task.loss(prediction, labels_for(task, prediction))
    assert loss.shape == ()
    assert bool(loss.isfinite())
    loss.backward()
    gradients = [parameter.grad for parameter in head.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
    assert any(bool(gradient.any()) for gradient in gradients if gradient is not None)


def test_a_missing_label_is_not_valid_and_does_not_count(task: BaseTask) -> None:
    prediction = predicted(task)
    target = labels_for(task, prediction)
    assert task.count(target) == task.valid(target).sum() == task.valid(target).numel()
    there = task.count(target[1:])
    target[0] = task.missing
    assert not task.valid(target)[0].any()
    assert task.count(target) == there
    target[:] = task.missing
    assert task.count(target) == 0


def test_losses_of_two_halves_merge_to_that_of_the_whole(task: BaseTask) -> None:
    prediction = predicted(task).detach()
    target = labels_for(task, prediction)
    target[0] = task.missing
    halves = [(prediction[:2], target[:2]), (prediction[2:], target[2:])]
    total = sum(task.count(y) * task.loss(p, y) for p, y in halves)
    merged = total / sum(task.count(y) for _, y in halves)
    torch.testing.assert_close(merged, task.loss(prediction, target))


class Reads(TorchDispatchMode):
    """Notes the operators that hand a number to the host, where a GPU makes it wait."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("missing", [False, True])
def test_a_loss_reads_no_number_from_the_device(task: BaseTask, missing: bool) -> None:
    prediction = predicted(task).detach().requires_grad_()
    target = labels_for(task, prediction)
    if missing:
        target[0] = task.missing
    count = task.count(target)
    with Reads() as reads:
        task.loss(prediction, target, count=count).backward()
        task.loss(prediction, target, torch.ones(BATCH), count=count).backward()
    assert reads.found == []


# --- evaluation -----------------------------------------------------------------------------


def test_its_metrics_read_what_it_selects(task: BaseTask) -> None:
    prediction = predicted(task).detach()
    target = labels_for(task, prediction)
    target[0] = task.missing
    for metric in task.new_metrics().values():
        metric.update(*task.select(prediction, target))
        assert math.isfinite(metric.compute())
        assert isinstance(metric.higher_is_better, bool)


def test_a_constant_predictor_is_shaped_like_a_prediction(task: BaseTask) -> None:
    prediction = predicted(task).detach()
    target = labels_for(task, prediction)
    summary = task.summarise(target)
    if summary is None:
        with pytest.raises(UnsupportedError, match="no trivial predictor"):
            task.spread(task.constant(torch.zeros(())), prediction)
        return
    twice = task.merge([summary, task.summarise(target)])
    constant = task.spread(task.constant(summary), prediction)
    torch.testing.assert_close(
        task.spread(task.constant(twice), prediction), constant, rtol=1e-2, atol=0.1
    )
    assert constant.shape == prediction.shape
    assert torch.equal(constant[0], constant[-1])


# --- on a page ------------------------------------------------------------------------------


def test_its_geometry_is_known_and_says_how_it_is_shown(task: BaseTask) -> None:
    assert task.geometry in get_args(Geometry)
    prediction = predicted(task).detach()
    target = labels_for(task, prediction)
    if task.geometry == "other":
        with pytest.raises(UnsupportedError, match="nobody knows how to show task 'y'"):
            task.show(target[0], prediction[0])
        return
    true, seen = task.show(target[0], prediction[0])
    if task.geometry in ("mask", "map"):
        assert isinstance(true, np.ndarray)
        assert true.shape[-2:] == seen.shape[-2:] == (SIDE, SIDE)
    else:
        assert json.loads(json.dumps([true, seen])) == [true, seen]


def test_a_missing_label_is_shown_as_missing(task: BaseTask) -> None:
    if task.geometry == "other":
        pytest.skip("is not shown")
    prediction = predicted(task).detach()
    target = torch.full_like(labels_for(task, prediction)[0], task.missing)
    true, _ = task.show(target, prediction[0])
    if task.geometry == "mask":
        assert (true == -1).all()
    elif task.geometry == "map":
        assert np.isnan(true).all()
    else:
        assert true is None or set(true) == {None}
