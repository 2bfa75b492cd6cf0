"""A prediction that a person or a file can use: classes, numbers, masks, tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from plait.core.kinds import Kind


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of one task for B examples, decoded from what its head gives.

    Attributes:
        value: the class numbers `[B]`, of each pixel `[B, H, W]` or of each token `[B, N]`; 0 or 1
            of one yes or no, `[B]`; True for each label that holds, `[B, K]`; or numbers in the
            labels' unit, `[B, K]` or `[B, K, H, W]`. For a task of a kind of its own, what the head
            gives.
        probabilities: of each class, `[B, classes]`, `[B, classes, H, W]` or `[B, N, classes]`; or
            of each label, `[B, K]`; or to come past each cut of a survival, `[B, K]`. None where
            the task has none, as for numbers.
        names: of the classes or labels, as the task was given them; None without any.

    Example:
        >>> from plait.tasks import Classification
        >>> task = Classification("animal", classes=2, names=["cat", "dog"])
        >>> found = task.decode(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
        >>> found.value, found.named(), round(found.probabilities[0, 1].item(), 3)
        (tensor([1, 0]), ['dog', 'cat'], 0.881)
    """

    value: Tensor
    probabilities: Tensor | None = None
    names: Sequence[str] | None = None

    def named(self) -> list[Any]:
        """Returns the values as lists, with the names of classes and labels in place of numbers.

        Of several yes-or-no labels, the list of those that hold for each example. Classes and
        labels without names have their number; what is no class, such as `ignore_index` at a token
        that is padding, is None.
        """
        if self.value.dtype == torch.bool:
            return [
                [self._name(k) for k, on in enumerate(row) if on] for row in self.value.tolist()
            ]
        values: list[Any] = self.value.tolist()
        return values if self.value.is_floating_point() else self._each(values)

    def _each(self, values: list[Any]) -> list[Any]:
        return [self._each(v) if isinstance(v, list) else self._name(v) for v in values]

    def _name(self, number: int) -> Any:
        if self.names is None:
            return number if number >= 0 else None
        return self.names[number] if 0 <= number < len(self.names) else None


def decoded(prediction: Tensor, kind: Kind, names: Sequence[str] | None = None) -> Prediction:
    """Returns the prediction that a head's numbers stand for.

    Args:
        prediction: of the head, `[B, ...]`.
        kind: what its numbers mean.
        names: of the classes or labels.
    """
    exact = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
    if kind.of == "classes":
        return Prediction(exact.argmax(kind.axis), exact.softmax(kind.axis), names)
    if kind.of == "labels":
        return Prediction(exact > 0, exact.sigmoid(), names)
    return Prediction(exact if kind.of == "numbers" else prediction)
