"""One class per token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn
from torchmetrics import Metric

from plait.core.errors import ConfigError
from plait.core.features import FeatureShape
from plait.core.geometry import Geometry
from plait.core.kinds import Kind
from plait.core.options import Count, Strength
from plait.tasks.heads import TokenHead
from plait.tasks.labels.classes import ClassLabels
from plait.tasks.labels.prior import start_at
from plait.tasks.labels.spans import is_bio
from plait.tasks.metrics.entity_f1 import EntityF1
from plait.tasks.prediction import Prediction


class Tagging(ClassLabels):
    """One class per token, by the mean cross-entropy over the valid tokens of the batch.

        L = - sum_in w_in log softmax(z_in)[y_in] / sum_in w_in    (nats)

    Where one class is nearly everywhere, such as O where few tokens belong to an entity, a training
    may end with predicting it for every token. `prior`, `class_weights`, `dice` and
    `focal` are against that; `plait.tasks.labels.options_for` chooses from the counts. With them

        L = sum w (1 - p)^focal (-log p) / sum w  +  dice sum_i m_i D_i / sum_i m_i

    with p the probability of the label, m_i the mass of sentence i's labels, and D_i the mean over
    the classes that it has of one minus their Dice (see `plait.tasks.labels.soft_dice`).

    Args:
        name: the task's name.
        classes: number of tags, at least 2.
        names: names of the tags, to show them; their numbers by default.
        hidden: widths of the head's hidden layers; none by default.
        class_weights: one weight per tag; equal by default.
        focal: exponent of the focal factor, with which each label's part of the loss is times
            (1 - p)^focal, p its probability; 0, for none, by default, and 2 in the paper.
        dice: weight of the soft Dice loss beside the cross-entropy, see above; 0, for none, by
            default.
        prior: how often each class occurs, counts or shares: the head starts with predicting that;
            as it is drawn by default.
        ignore_index: the label of padding and of tokens without a tag; -100 by default, as in
            torch.
        entities: whether the tags mark entities (O, B-TYPE, I-TYPE), so that by default it is
            judged by the F1 of whole entities, `EntityF1`, and then by accuracy.
        metrics: torchmetrics objects that read probabilities `[n, classes]` and labels `[n]` of the
            valid tokens, or whole sentences, such as `EntityF1`; by default accuracy and macro F1.
        weight: static weight of the task.

    Shapes: labels `[B, N]`, integers; predictions `[B, N, classes]`, logits.

    Raises:
        ConfigError: an option is outside its range.
    """

    geometry: Geometry = "tags"
    class_dim = -1
    kind = Kind("classes", -1)

    def __init__(
        self,
        name: str,
        *,
        classes: int,
        names: Sequence[str] | None = None,
        hidden: Sequence[Count] = (),
        class_weights: Sequence[float] | None = None,
        focal: Strength = 0.0,
        dice: Strength = 0.0,
        prior: Sequence[float] | None = None,
        entities: bool = False,
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
        self.hidden = tuple(hidden)
        self.entities = entities
        if entities and not is_bio(self.names or ()):
            raise ConfigError(
                f"`entities` of task {name!r} needs the `names` of its tags, O and B-TYPE, I-TYPE; "
                f"found {'none' if names is None else ', '.join(map(repr, names[:6]))}."
            )

    def default_metrics(self) -> dict[str, Metric]:
        """Makes accuracy and macro F1 of the tags; with `entities`, F1 of entities and accuracy."""
        found = super().default_metrics()
        if not self.entities:
            return found
        return {"entity_f1": EntityF1(self.names or ()), "accuracy": found["accuracy"]}

    def build_head(self, shape: FeatureShape) -> nn.Module:
        """Builds a head that maps each token to `classes` logits."""
        head = TokenHead(shape, self.classes, hidden=self.hidden)
        start_at(head.layers[-1], self.prior)
        return head

    def sequences(
        self, prediction: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Gives predicted tags and labels `[B, N]`; a label is -1 where it is missing."""
        there = self.label_weights(target, weights) > 0
        return prediction.argmax(dim=-1), target.long().where(there, -1)

    def decode(self, prediction: Tensor, mask: Tensor | None = None) -> Prediction:
        """Decodes the class of each token; that of a token that is padding is `ignore_index`."""
        found = super().decode(prediction, mask)
        if mask is None or mask.shape != found.value.shape:
            return found
        return replace(found, value=found.value.masked_fill(~mask, self.ignore_index))
