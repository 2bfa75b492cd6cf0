"""One class per pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from plait.core.errors import ConfigError
from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.options import Count, Strength
from plait.tasks.heads import DenseHead
from plait.tasks.labels.class_metrics import MeanIoU
from plait.tasks.labels.classes import ClassLabels
from plait.tasks.labels.prior import start_at


class Segmentation(ClassLabels):
    """One class per pixel, by the mean cross-entropy over the valid pixels of the batch.

        L = - sum_ixy w_ixy log softmax(z_i)[y_ixy, x, y] / sum_ixy w_ixy    (nats)

    Where one class is nearly everywhere, such as a background around a defect of a few pixels,
    a training may end with predicting it for every pixel. `prior`, `class_weights`, `dice` and
    `focal` are against that; `plait.tasks.labels.options_for` chooses from the counts. With them

        L = sum w (1 - p)^focal (-log p) / sum w  +  dice sum_i m_i D_i / sum_i m_i

    with p the probability of the label, m_i the mass of image i's labels, and D_i the mean over the
    classes that it has of one minus their Dice (see `plait.tasks.labels.soft_dice`).

    The head predicts for every pixel. (A head that flattens the final map into one vector, as some
    early joint networks do, predicts one class for a whole image and cannot draw an outline.)

    Args:
        name: the task's name.
        classes: number of classes, at least 2.
        names: names of the classes, to show them; their numbers by default.
        background: the class that is left clear where a mask is shown, or None to show them all; 0
            by default.
        foreground: whether the background is left out of the intersection over union by which the
            task is judged: where it is nearly everywhere, the mean over all classes says little.
        width: channels of the dense head's decoder (see `DenseHead`); 32, ours: enough for outlines
            at a fraction of the encoder's cost.
        class_weights: one weight per class; equal by default.
        focal: exponent of the focal factor, with which each label's part of the loss is times
            (1 - p)^focal, p its probability; 0, for none, by default, and 2 in the paper.
        dice: weight of the soft Dice loss beside the cross-entropy, see above; 0, for none, by
            default.
        prior: how often each class occurs, counts or shares: the head starts with predicting that;
            as it is drawn by default.
        ignore_index: the label of a pixel without a class; -100 by default, as in torch.
        metrics: torchmetrics objects that read predicted classes `[n]` and labels `[n]`; by default
            the mean over classes of intersection over union, and pixel accuracy; with `foreground`,
            before them the mean over all classes but the background.
        weight: static weight of the task.

    Shapes: labels `[B, H, W]`, integers; predictions `[B, classes, H, W]`, logits.

    Raises:
        ConfigError: an option is outside its range.
    """

    geometry: Geometry = "mask"

    def __init__(
        self,
        name: str,
        *,
        classes: int,
        names: Sequence[str] | None = None,
        background: int | None = 0,
        foreground: bool = False,
        width: Count = 32,
        class_weights: Sequence[float] | None = None,
        focal: Strength = 0.0,
        dice: Strength = 0.0,
        prior: Sequence[float] | None = None,
        ignore_index: int = -100,
        metrics: Mapping[str, Metric] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(
            name,
            classes=classes,
            names=names,
            class_weights=class_weights,
            focal=focal,
            dice=dice,
            prior=prior,
            ignore_index=ignore_index,
            metrics=metrics,
            weight=weight,
        )
        if background is not None and not 0 <= background < classes:
            raise ConfigError(
                f"`background` of task {name!r} must be a class, 0..{classes - 1}, or None; found "
                f"{background}."
            )
        if foreground and background is None:
            raise ConfigError(f"`foreground` of task {name!r} needs a `background`; found None.")
        self.background = background
        self.foreground = foreground
        self.width = width

    def default_metrics(self) -> dict[str, Metric]:
        """Makes intersection over union, mean over classes, and the share of right pixels."""
        found: dict[str, Metric] = {
            "iou": MeanIoU(self.classes),
            "pixel_accuracy": MulticlassAccuracy(self.classes, average="micro"),
        }
        if self.foreground:
            found = {"foreground_iou": MeanIoU(self.classes, self.background), **found}
        return found

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a dense head with `classes` channels."""
        head = DenseHead(shape, self.classes, width=self.width)
        start_at(head.predict, self.prior)
        return head

    def read(self, logits: Tensor) -> Tensor:
        """Turns logits `[n, classes]` into what the metrics read: the predicted classes `[n]`."""
        return logits.argmax(dim=-1)

    def select(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Any, Any]:
        """Selects predicted classes `[n]` and labels `[n]` of the valid pixels.

        Logits would be `classes` times as large.
        """
        keep = self.label_weights(target, weights) > 0
        return prediction.argmax(dim=1)[keep], target[keep].long()

    def show(self, target: Tensor, prediction: Tensor) -> tuple[Any, Any]:
        """Gives class numbers `[H, W]`, int64; -1 where there is no label, and on `background`."""

        def shown(classes: Tensor) -> Any:
            clear = -1 if self.background is None else self.background
            return classes.where(classes != clear, -1).numpy()

        true = target.long().where(self.valid(target), -1)
        return shown(true), shown(prediction.argmax(dim=0))
