"""One yes-or-no label per example."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

from plait.core.errors import ConfigError, ShapeError
from plait.core.geometry import Geometry
from plait.core.options import Count
from plait.networks.grids import Pooling
from plait.tasks.labels.class_weights import class_weights_of
from plait.tasks.labels.yes_no import YesNoLabels, probabilities
from plait.tasks.metric_rules import check_metrics
from plait.tasks.prediction import Prediction


class Binary(YesNoLabels):
    """One yes-or-no label per example, by the mean binary cross-entropy over the valid labels.

        L = - sum_i w_i [y_i log s(z_i) + (1 - y_i) log(1 - s(z_i))] / sum_i w_i    (nats)

    with s the logistic function. By default it is judged without a threshold: by how well the
    predictions rank yes above no, which does not depend on how rare yes is.

    Args:
        name: the task's name.
        names: what the label's two values are called, that of 0 first; "no" and "yes" by default.
        hidden: widths of the head's hidden layers; none by default.
        cells: side of the pooling grid of the head (see `ScalarHead`).
        pooling: "mean" or "max" (see `ScalarHead`).
        class_weights: two numbers, the weights of no and of yes; equal by default.
            `plait.tasks.labels.balanced` finds them from counts.
        metrics: torchmetrics objects that read probabilities of yes `[n]` and labels `[n]`; by
            default the area under the ROC curve (0.5 for a constant) and average precision (the
            share of yes for a constant). Both are undefined where all labels are equal.
        weight: static weight of the task.

    Shapes: labels `[B]` or `[B, 1]`, 0, 1 or NaN (missing), booleans and whole numbers too;
        predictions `[B, 1]`, logits.

    Raises:
        ConfigError: an option is outside its range.

    Cost: the default metrics are exact, so an evaluation keeps all scores and labels of the data
        set, 16 bytes for each; torchmetrics' own with ``thresholds=`` keep none.

    Example:
        >>> task = Binary("bought")
        >>> labels = torch.tensor([1.0, 0.0, torch.nan])
        >>> round(task.loss(torch.zeros(3, 1), labels).item(), 4)
        0.6931
        >>> task.decode(torch.tensor([[2.0], [-1.0]])).named()
        ['yes', 'no']
    """

    geometry: Geometry = "class"

    def __init__(
        self,
        name: str,
        *,
        names: Sequence[str] = ("no", "yes"),
        hidden: Sequence[Count] = (),
        cells: Count = 1,
        pooling: Pooling = "mean",
        class_weights: Sequence[float] | None = None,
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        self.class_weights = class_weights_of(name, class_weights, 2, "of no and of yes")
        super().__init__(
            name,
            labels=1,
            no_and_yes=None if self.class_weights is None else [self.class_weights],
            hidden=hidden,
            cells=cells,
            pooling=pooling,
            metrics=metrics,
            weight=weight,
        )
        if len(set(names)) != 2 or len(names) != 2:
            raise ConfigError(
                f"`names` of task {name!r} must be two different texts, of no and of yes; "
                f"found {list(names)}."
            )
        self.names: Sequence[str] = list(names)
        check_metrics(name, metrics, torch.linspace(0, 1, 8), torch.arange(8) % 2)

    def default_metrics(self) -> dict[str, Metric]:
        """Makes the area under the ROC curve, and average precision."""
        return {"auroc": BinaryAUROC(), "average_precision": BinaryAveragePrecision()}

    @property
    def label_rule(self) -> Hashable | None:
        """Tasks are counted together if all of them weigh their classes, or none does."""
        if type(self) is not Binary:  # a subclass may have another
            return None
        return "yes or no", self.class_weights is None, 1

    def _fitted(self, target: Tensor, prediction: Tensor) -> Tensor:
        if prediction.shape != (len(target), 1) or target.numel() != len(target):
            raise ShapeError(
                f"task {self.name!r} needs labels [B] or [B, 1] and predictions [B, 1]; found "
                f"{list(target.shape)} and {list(prediction.shape)}. Several yes-or-no labels are "
                "a task of kind MultiLabel."
            )
        return target.reshape(prediction.shape)

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects probabilities of yes `[n]` and integer labels `[n]` of the valid entries.

        torchmetrics would take logits for probabilities wherever a whole batch is in [0, 1].
        """
        keep = self.label_weights(target, weights) > 0
        return probabilities(prediction.reshape(target.shape)[keep]), target[keep].long()

    def decode(self, prediction: Tensor, mask: Tensor | None = None) -> Prediction:
        """Decodes logits into 0 or 1 `[B]`, with the probabilities of no and yes `[B, 2]`."""
        found = super().decode(prediction, mask)
        logits = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
        both = torch.cat([-logits, logits], dim=1).sigmoid()
        return Prediction(found.value[:, 0].long(), both, self.names)

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Names the true value, None where it is missing, and the more probable one."""
        true = None if bool(target.isnan()) else self.names[int(target)]
        return true, self.names[int(prediction > 0)]
