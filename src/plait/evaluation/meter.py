"""One metric over a data set, undefined where the labels do not define it."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import (
    BinaryCalibrationError,
    BinaryConfusionMatrix,
    BinaryHingeLoss,
    BinaryPrecisionRecallCurve,
    BinaryStatScores,
    MulticlassCalibrationError,
    MulticlassHingeLoss,
    MulticlassPrecisionRecallCurve,
    MultilabelConfusionMatrix,
    MultilabelExactMatch,
    MultilabelPrecisionRecallCurve,
    MultilabelStatScores,
)
from torchmetrics.utilities.data import dim_zero_sum

from plait.core.errors import ConfigError
from plait.evaluation.presence import Presence, presence_of, remembers
from plait.tasks.labels.tensors import precise
from plait.tasks.metric_rules import SequenceMetric, one_number

# torchmetrics decides batch by batch whether these were given logits
READ_PROBABILITIES = (
    BinaryStatScores,
    BinaryConfusionMatrix,
    BinaryPrecisionRecallCurve,
    BinaryCalibrationError,
    BinaryHingeLoss,
    MulticlassPrecisionRecallCurve,
    MulticlassCalibrationError,
    MulticlassHingeLoss,
    MultilabelStatScores,
    MultilabelConfusionMatrix,
    MultilabelPrecisionRecallCurve,
    MultilabelExactMatch,
)


class Meter:
    """One metric over a data set, fed batch by batch, in float64.

    What it comes to depends on all predictions and labels together: not on how they are cut into
    batches, nor on rows without a label. It is NaN where the labels do not define the metric, such
    as the area under the ROC curve of one class; a mean over classes or labels is taken over those
    for which the metric is defined.

    Args:
        name: names the metric in messages, "task/metric".
        metric: any torchmetrics object; it is updated.
        device: of the predictions.

    Attributes:
        whole: whether the metric reads whole sequences, and not each label for itself.
        sums: whether all that it keeps are sums over examples, so that `state` of several data sets
            add up to that of all.
    """

    def __init__(self, name: str, metric: Metric, device: torch.device | str) -> None:
        self.name = name
        self._metric = metric.to(device)
        if torch.device(device).type != "mps":
            self._metric.set_dtype(torch.float64)
        for each in self._metric.modules():
            if isinstance(each, Metric):
                each.distributed_available_fn = _alone
        self._presence: Presence | None = presence_of(self._metric)
        self._unread = copy.copy(self._presence)
        self.whole = isinstance(metric, SequenceMetric)
        self.sums = not remembers(self._presence) and _keeps_sums(metric)
        self._scores = isinstance(metric, READ_PROBABILITIES)
        self._outside: Tensor | None = None
        self._empty = True

    def update(self, prediction: Any, target: Any) -> None:
        """Adds the valid predictions and labels of a batch, as `Task.select` returns them."""
        if isinstance(prediction, Tensor) and len(prediction) == 0:
            return
        self._empty = False
        if isinstance(prediction, Tensor) and prediction.is_floating_point():
            prediction = precise(prediction)
            if self._scores:
                outside = ((prediction < 0) | (prediction > 1)).any()
                self._outside = outside if self._outside is None else self._outside | outside
        if isinstance(target, Tensor) and target.is_floating_point():
            target = precise(target)
        if self._presence is not None:
            self._presence.update(target)
            origin = self._presence.origin()
            if origin is not None:
                prediction, target = prediction - origin, target - origin
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            self._metric.update(prediction, target)

    def reset(self) -> None:
        """Forgets all that was added.

        A torchmetrics object holds itself (read in version 1.9.0): what it was given, such as all
        predictions of an area under a curve, stays until Python looks for garbage, or until this.
        """
        self._metric.reset()
        self._presence = copy.copy(self._unread)
        self._outside = None
        self._empty = True

    def state(self) -> dict[str, Tensor]:
        """Returns the sums over all that was added; {} if nothing was. For `sums` alone."""
        if self._empty:
            return {}
        return {name: getattr(self._metric, name) for name in self._metric._defaults}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Takes sums as if their examples had been added, and nothing else. For `sums` alone."""
        self.reset()
        self._empty = not state
        self._metric._update_count = 1
        for name, total in state.items():
            setattr(self._metric, name, total)

    def compute(self) -> float:
        """Returns the value over all that was added; NaN where it is undefined.

        Raises:
            ConfigError: it is not one number, or reads probabilities and was given other numbers.
        """
        if self._empty:
            return math.nan
        if self._outside is not None and bool(self._outside):
            raise ConfigError(
                f"metric {self.name!r} ({type(self._metric).__name__}) reads probabilities; found "
                "predictions outside of 0 to 1. Give the task what makes probabilities of them, "
                "such as `activation=torch.sigmoid`."
            )
        with warnings.catch_warnings():  # what is undefined is said as NaN
            warnings.simplefilter("ignore", UserWarning)
            watch, metric = self._presence, self._metric
            value = metric.compute() if watch is None else watch.compute(metric)
        return one_number(self.name, value)

    def why(self, values: Sequence[str] | None = None) -> str:
        """Says why the value is NaN, as what follows "because".

        A metric may say so itself, in an attribute `undefined`.

        Args:
            values: what the values of a label are called; None for their numbers.
        """
        if self._empty:
            return "it reads none of the labels"
        metric, watch = self._metric, self._presence
        said = getattr(metric, "undefined", "") if watch is None else watch.why(metric, values)
        return said or f"{type(metric).__name__} comes to no number"


def _alone() -> bool:
    """A process that evaluates reads all data: others have nothing to add, and may not be there."""
    return False


def _keeps_sums(metric: Metric) -> bool:
    """Whether all states of a metric are sums; one that wraps others has states elsewhere."""
    kept = [
        reduction is dim_zero_sum and isinstance(metric._defaults[name], Tensor)
        for name, reduction in metric._reductions.items()
    ]
    return bool(kept) and all(kept) and not any(metric.children())
