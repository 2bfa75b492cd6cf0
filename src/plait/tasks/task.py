"""A task of the user's own, given as functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.annotations import shown
from plait.core.errors import ConfigError, DataError, ShapeError, unknown
from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.kinds import Kind
from plait.core.structure import signature, told
from plait.tasks.base import BaseTask
from plait.tasks.labels.tensors import precise


class Task(BaseTask):
    """Anything that the other kinds of task do not cover, by its head, loss and rule for labels.

        L = sum_i w_i l(prediction_i, label_i) / sum_i w_i

    For a task with a constant predictor, ranges of labels, or options of its own, derive from
    `BaseTask` instead.

    Args:
        name: the task's name, the key of its labels.
        head: makes the head from the features' shapes, ``head(shape) -> nn.Module``; the module
            maps `Features` to a prediction whose first axis is the batch. `plait.tasks.heads` has
            the heads of the other kinds.
        loss: ``loss(prediction, labels)``, giving one number per label; or a scalar mean, if no
            label is ever missing and no example weighted. Where a label is missing it is given
            another one of the batch, since a gradient through NaN is NaN however it is weighted.
        metrics: torchmetrics objects by name, the first one being the main metric. They are given
            the valid predictions and labels. Each has to know its direction (`higher_is_better`).
            None by default.
        activation: makes what the metrics read of a prediction, such as `torch.sigmoid`, since
            torchmetrics' metrics of yes-or-no labels and of ranks read probabilities, and are
            refused without it; other metrics are given the prediction as it is by default.
        valid: ``valid(labels) -> bool tensor``, true for labels that are there; by default a float
            label is missing where it is NaN, and any other label is there.
        kind: what the numbers of a prediction mean, for connections that read them.
        geometry: where a label lies on its input, for augmentation.
        weight: static weight of the task; multiplies its loss before everything else.

    Shapes: labels `[B, ...]`, or any structure of such tensors if `valid` is given; predictions are
        what `loss` takes.

    Raises:
        ConfigError: an empty name, a weight that is not positive, or a metric without direction.

    Example:
        >>> import torch
        >>> from plait.tasks.heads import ScalarHead
        >>> task = Task(
        ...     "visits",
        ...     head=lambda shape: ScalarHead(shape, 1),
        ...     loss=lambda p, y: nn.functional.poisson_nll_loss(p[:, 0], y, reduction="none"),
        ... )
        >>> task.loss(torch.zeros(3, 1), torch.tensor([1.0, 4.0, float("nan")])).item()
        1.0
    """

    def __init__(
        self,
        name: str,
        *,
        head: Callable[[FeatureShape], nn.Module],
        loss: Callable[[Tensor, Any], Tensor],
        metrics: Mapping[str, Metric] | None = None,
        activation: Callable[[Tensor], Tensor] | None = None,
        valid: Callable[[Any], Tensor] | None = None,
        kind: Kind = BaseTask.kind,
        geometry: Geometry = "other",
        weight: float = 1.0,
    ) -> None:
        super().__init__(name, metrics=metrics, weight=weight)
        if geometry not in get_args(Geometry):
            raise ConfigError(unknown("geometry", geometry, get_args(Geometry)))
        self.head = head
        self.loss_function = loss
        self.activation = activation
        self.valid_function = valid
        self.kind = kind
        self.geometry = geometry

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Calls `head`.

        Raises:
            ConfigError: it is no function of a shape, or makes no module.
        """
        try:
            made = self.head(shape)
        except (TypeError, AttributeError) as error:
            found = f"{type(error).__name__}: {error}"
        else:
            if isinstance(made, nn.Module):
                return made
            found = shown(made)
        raise ConfigError(
            f"`head` of task {self.name!r} must make a torch module of the features' shape, as "
            f"`lambda shape: ScalarHead(shape, 1)` does; found {found}."
        )

    def valid(self, target: Any) -> Tensor:
        """Calls `valid`; without it, a label is there unless it is NaN.

        Raises:
            DataError: the labels are no tensor, and there is no `valid`.
        """
        if self.valid_function is not None:
            return self._ask("valid", self.valid_function, target)
        if not isinstance(target, Tensor):
            raise DataError(
                f"labels of task {self.name!r} must be a tensor; found {type(target).__name__}. "
                "Give the task its own `valid` for other labels."
            )
        return ~target.isnan()

    def elementwise(self, prediction: Tensor, target: Any) -> Tensor:
        """Calls `loss`, with the first label that is there in place of the missing ones."""
        if not isinstance(target, Tensor):
            return self._ask("loss", self.loss_function, prediction, target)
        there = self.valid(target)
        there = there.reshape(there.shape + (1,) * (target.dim() - there.dim())).expand_as(target)
        filled = target.where(there, target.take(there.flatten().byte().argmax()))
        return self._ask("loss", self.loss_function, prediction, filled)

    def _ask(self, what: str, function: Callable[..., Tensor], *arguments: Any) -> Tensor:
        """Calls a function of the user's; its failure is told with what it was given."""
        try:
            found = function(*arguments)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            given = " and ".join(told(signature(each)) for each in arguments)
            raise ShapeError(
                f"`{what}` of task {self.name!r} fails on {given}: {' '.join(str(error).split())}."
            ) from error
        if not isinstance(found, Tensor):
            raise ConfigError(
                f"`{what}` of task {self.name!r} must return a tensor; found {shown(found)}. Give "
                "a function, or a module that was made: `nn.MSELoss()`, not `nn.MSELoss`."
            )
        return found

    def select(
        self, prediction: Tensor, target: Any, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects the valid entries, and puts the predictions through `activation`."""
        chosen, labels = super().select(prediction, target, weights)
        if self.activation is not None:
            chosen = self.activation(precise(chosen))
        return chosen, labels
