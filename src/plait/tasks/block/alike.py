"""The kind of a task with its head: those of one kind are alike."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from torch import nn

from plait.tasks.base import BaseTask
from plait.tasks.binary import Binary
from plait.tasks.classification import Classification
from plait.tasks.heads import InFittedUnit, InUnits, ScalarHead
from plait.tasks.multi_label import MultiLabel
from plait.tasks.regression import Regression

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def kind_of(task: BaseTask, head: nn.Module) -> Hashable | None:
    """Returns the kind of a task and its head: those of one kind differ in numbers alone.

    Alike are labels and loss, as far as they are no numbers (weights, units), and the layers of
    the heads, with their shapes, dtypes and devices. A class that derives from a task's may do
    anything, so it is of no kind, and neither is a head that somebody has changed.

    Args:
        task: the task.
        head: its head, by `build_head`.

    Returns:
        a key; None for a task of no kind: one of another class than `Regression`, `Binary`,
        `MultiLabel` and `Classification`, with labels that are bounds, or with a focal factor.

    Example:
        >>> import torch
        >>> from plait.core.features import FeatureShape
        >>> shape = FeatureShape([(4,)])
        >>> a, b, c = Regression("a"), Regression("b", weight=2.0), Regression("c", outputs=2)
        >>> kinds = [kind_of(task, task.build_head(shape)) for task in (a, b, c)]
        >>> kinds[0] == kinds[1], kinds[0] == kinds[2]
        (True, False)
    """
    options = OPTIONS.get(type(task))
    own = None if options is None else options(task)
    layers = _layers(head)
    return None if own is None or layers is None else (type(task), own, layers)


def _number(task: Regression) -> Hashable | None:
    return None if task.bounded else (task.outputs, task.vector, task.error)


def _yes_or_no(task: Binary | MultiLabel) -> Hashable:
    return task.labels, task.class_weights is None


def _class(task: Classification) -> Hashable | None:
    return None if task.focal else (task.classes, task.ignore_index, task.class_weights is None)


OPTIONS: Mapping[type[BaseTask], Callable[[Any], Hashable | None]] = {
    Regression: _number,
    Binary: _yes_or_no,
    MultiLabel: _yes_or_no,
    Classification: _class,
}


def _layers(head: nn.Module) -> Hashable | None:
    """Returns the structure of a head of plait's own; None of any other, or of a changed one."""
    inner = head.head if type(head) in (InUnits, InFittedUnit) else head
    if type(inner) is not ScalarHead:
        return None
    layers = list(inner.layers)
    if any(type(layer) not in (nn.Linear, nn.ReLU) for layer in layers):
        return None
    for module in head.modules():
        own = vars(module)
        if "forward" in own or any(own.get(name) for name in HOOKS):
            return None
    if any(parameter._backward_hooks for parameter in head.parameters()):
        return None
    found = [(name, p.shape, p.dtype, p.device) for name, p in head.named_parameters()]
    return type(head), inner.cells, inner.pooling, tuple(map(type, layers)), tuple(found)
