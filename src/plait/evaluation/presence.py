"""For which classes, labels or outputs of a data set a metric is defined.

torchmetrics gives a number where there is none: an area under the ROC curve of 0 where there is one
class, an F1 of 0 where there is nothing to find, an R2 of 0 where all targets are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics import classification as classes
from torchmetrics import regression as numbers

AREAS = tuple(
    getattr(classes, f"{kind}{name}")
    for kind in ("Binary", "Multiclass", "Multilabel")
    for name in ("AUROC", "ROC", "LogAUC", "EER")
)
CURVES = (
    classes.BinaryPrecisionRecallCurve,
    classes.MulticlassPrecisionRecallCurve,
    classes.MultilabelPrecisionRecallCurve,
)
AGREEMENTS = (
    classes.BinaryCohenKappa,
    classes.MulticlassCohenKappa,
    classes.BinaryMatthewsCorrCoef,
    classes.MulticlassMatthewsCorrCoef,
)
OVERLAPS = (classes.BinaryJaccardIndex, classes.MultilabelJaccardIndex)
RECALLS = (
    classes.BinaryRecall,
    classes.MulticlassRecall,
    classes.MultilabelRecall,
    classes.MulticlassAccuracy,
)
DECISIONS = (classes.BinaryStatScores, classes.MultilabelStatScores, *RECALLS)
OF_ALL_LABELS = (
    classes.BinaryAccuracy,
    classes.MultilabelAccuracy,
    classes.BinaryHammingDistance,
    classes.MultilabelHammingDistance,
)
OF_NEGATIVES = (classes.BinarySpecificity, classes.MultilabelSpecificity)
OF_REJECTED = (classes.BinaryNegativePredictiveValue, classes.MultilabelNegativePredictiveValue)
RELATIVE_TO_SPREAD = (
    numbers.R2Score,
    numbers.ExplainedVariance,
    numbers.PearsonCorrCoef,
    numbers.SpearmanCorrCoef,
    numbers.KendallRankCorrCoef,
    numbers.ConcordanceCorrCoef,
    numbers.RelativeSquaredError,
)


class Presence(Protocol):
    """Watches the labels, and computes a metric where they define it."""

    def update(self, target: Tensor) -> None:
        """Adds the labels of a batch."""

    def origin(self) -> Tensor | None:
        """Returns a point from which numbers may be counted instead of 0; None if there is none.

        Sums of squares of numbers that are far from 0 lose their digits, in float64 as well.
        """

    def compute(self, metric: Metric) -> Any:
        """Returns the value of the metric, NaN where the labels do not define it."""

    def why(self, metric: Metric, values: Sequence[str] | None) -> str:
        """Says why the value is NaN, as what follows "because"; "" where the labels do define it.

        Args:
            metric: that was computed.
            values: what the values of a label are called; None for their numbers.
        """


def presence_of(metric: Metric) -> Presence | None:
    """Returns the watch over a metric's labels; None if it is defined by any labels.

    A metric that is a mean over classes is told to give each class its number.
    """
    if isinstance(metric, (*CURVES, *AGREEMENTS)):
        return _Ranked(metric)
    if isinstance(metric, (*DECISIONS, *OVERLAPS)):
        return _Decided(metric)
    if isinstance(metric, RELATIVE_TO_SPREAD):
        return _Spread(metric)
    return None


def remembers(watch: Presence | None) -> bool:
    """Whether a watch keeps something of the labels beside what the metric keeps itself."""
    return watch is not None and not isinstance(watch, _Decided)


def _called(number: int, values: Sequence[str] | None) -> str:
    """Names a value of a label, by its number where it has no name."""
    return str(number) if values is None else repr(values[number])


def _each_class(metric: Metric) -> str | None:
    """Makes a metric give each class its number; returns the average that it would have taken."""
    average = getattr(metric, "average", None)
    if average in ("macro", "weighted") and not isinstance(metric, AGREEMENTS):
        metric.average = "none"
        return str(average)
    return None


def _averaged(average: str, values: Tensor, there: Tensor, positives: Tensor) -> Tensor:
    """Averages over the classes for which a metric is defined."""
    mass = there.double() if average == "macro" else there * positives.double()
    return values.where(there, 0.0).double() @ mass / mass.sum()  # 0 / 0 is NaN


class _Ranked:
    """Metrics that need positives and negatives of a class."""

    def __init__(self, metric: Metric) -> None:
        self._average = _each_class(metric)
        self._classes = getattr(metric, "num_classes", None)
        self._ignored = getattr(metric, "ignore_index", None)
        self._positives: Any = 0
        self._negatives: Any = 0

    def update(self, target: Tensor) -> None:
        if self._classes is None:
            rows = target.reshape(len(target), -1)
            self._positives = self._positives + (rows == 1).sum(dim=0)
            self._negatives = self._negatives + (rows == 0).sum(dim=0)
            return
        labels = target.flatten()
        labels = labels if self._ignored is None else labels[labels != self._ignored]
        counts = torch.bincount(labels, minlength=self._classes)
        self._positives = self._positives + counts
        self._negatives = self._negatives + labels.numel() - counts

    def origin(self) -> Tensor | None:
        return None

    def compute(self, metric: Metric) -> Any:
        positives, negatives = self._positives, self._negatives
        if isinstance(metric, AGREEMENTS):
            present = positives if self._classes else torch.stack([positives, negatives])
            return metric.compute() if int((present > 0).sum()) > 1 else torch.tensor(torch.nan)
        if self._average is None:
            pooled = isinstance(metric, CURVES) and getattr(metric, "average", None) == "micro"
            if pooled:
                positives, negatives = positives.sum(), negatives.sum()
            there = self._defined(metric, positives, negatives)
            return metric.compute() if bool(there.all()) else torch.tensor(torch.nan)
        self._fill(metric, positives + negatives == 0)
        there = self._defined(metric, positives, negatives)
        return _averaged(self._average, metric.compute(), there, positives)

    def why(self, metric: Metric, values: Sequence[str] | None) -> str:
        there = self._positives.reshape(-1) > 0
        no, yes = _called(0, values), _called(1, values)
        if self._classes is not None or len(there) == 1:  # classes, or one yes or no
            if self._classes is None:
                there = torch.cat([self._negatives.reshape(-1) > 0, there])
            present = there.nonzero().flatten().tolist()
            if len(present) == 1:
                return f"all labels are {_called(present[0], values)}"
            absent = (~there).nonzero().flatten().tolist()
            return f"no label is {_called(absent[0], values)}" if absent else ""
        some = "none" if self._average is not None or not there.any() else "not every one"
        both = f"{no} and {yes}" if isinstance(metric, AREAS) else yes
        return f"{some} of the labels has examples of {both}"

    def _defined(self, metric: Metric, positives: Tensor, negatives: Tensor) -> Tensor:
        if isinstance(metric, AREAS):
            return (positives > 0) & (negatives > 0)
        return positives > 0

    def _fill(self, metric: Metric, empty: Tensor) -> None:
        """Adds a row for labels that never have a value; torchmetrics fails on their curve."""
        if self._classes is None and self._ignored is not None and bool(empty.any()):
            row = torch.where(empty, 0, self._ignored).unsqueeze(0)
            metric.update(torch.full(row.shape, 0.5, device=row.device, dtype=torch.double), row)


class _Decided:
    """Metrics of right and wrong decisions: nothing to find and nothing found is no failure."""

    def __init__(self, metric: Metric) -> None:
        self._average = _each_class(metric)

    def update(self, target: Tensor) -> None:
        """Does nothing: the metric's own counts say it all."""

    def origin(self) -> Tensor | None:
        return None

    def compute(self, metric: Any) -> Any:
        if isinstance(metric, OVERLAPS):
            right, false, missed = (metric.confmat[..., i, j] for i, j in ((1, 1), (0, 1), (1, 0)))
            neither = metric.confmat[..., 0, 0]
        else:
            right, false, neither, missed = metric._final_state()
        there = _counted(metric, right, false, neither, missed) > 0
        value = metric.compute()
        if self._average is not None:
            return _averaged(self._average, value, there, right + missed)
        return value if bool(there.any()) else torch.tensor(torch.nan)

    def why(self, metric: Metric, values: Sequence[str] | None) -> str:
        no, yes = _called(0, values), _called(1, values)
        if isinstance(metric, OF_ALL_LABELS):
            return ""
        if isinstance(metric, RECALLS):
            return f"no label is {yes}"
        if isinstance(metric, OF_NEGATIVES):
            return f"no label is {no}"
        if isinstance(metric, OF_REJECTED):
            return f"all labels and predictions are {yes}"
        return f"no label and no prediction is {yes}"


def _counted(metric: Metric, right: Tensor, false: Tensor, neither: Tensor, missed: Tensor) -> Any:
    """Counts the examples that a metric is about, for each class."""
    if isinstance(metric, RECALLS):
        return right + missed
    if isinstance(metric, OF_ALL_LABELS):
        return right + false + neither + missed
    if isinstance(metric, OF_NEGATIVES):
        return neither + false
    if isinstance(metric, OF_REJECTED):
        return neither + false + missed
    return right + false + missed


class _Spread:
    """Metrics that divide by the spread of the targets: undefined where all are equal."""

    def __init__(self, metric: Any) -> None:
        self._each = getattr(metric, "multioutput", None) == "uniform_average"
        if self._each:
            metric.multioutput = "raw_values"
        self._low: Any = torch.inf
        self._high: Any = -torch.inf
        self._origin: Tensor | None = None

    def origin(self) -> Tensor | None:
        return self._origin

    def update(self, target: Tensor) -> None:
        if self._origin is None:
            self._origin = target[0]
        low, high = target.aminmax(dim=0)
        self._low = low.clamp(max=self._low)
        self._high = high.clamp(min=self._high)

    def compute(self, metric: Metric) -> Any:
        there = self._high > self._low
        if not bool(there.any()):
            return torch.tensor(torch.nan)
        value = metric.compute()
        if not self._each:
            return value if bool(there.all()) else torch.tensor(torch.nan)
        return value.reshape(-1)[there.reshape(-1)].mean()

    def why(self, metric: Metric, values: Sequence[str] | None) -> str:
        there = self._high > self._low
        if not bool(there.any()):
            return "all labels are equal"
        return (
            "all predictions are equal"
            if bool(there.all())
            else "all labels of an output are equal"
        )
