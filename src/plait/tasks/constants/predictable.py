"""The prediction that is the same for every example, against which a model has to be better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from plait.core.errors import UnsupportedError


class Predictable:
    """Base of what a constant can predict: by default, no constant is known.

    Attributes:
        name: names the task in messages.
    """

    name: str

    def summarise(self, target: Any, weights: Tensor | None = None) -> Tensor | None:
        """Sums up the labels of a batch; `merge` joins the summaries of all batches.

        Args:
            target: the labels.
            weights: as in `label_weights`; a label of weight 0 is left out, others count as one.

        Returns:
            a statistic of the labels; None if the task has no constant predictor.
        """
        return None

    def merge(self, summaries: Sequence[Tensor]) -> Tensor:
        """Joins the summaries of several batches into that of all their labels: their sum."""
        return torch.stack([*summaries]).sum(dim=0)

    def all_equal(self, summary: Tensor) -> bool:
        """Whether a constant can be right everywhere, by the summary of the labels."""
        return False

    def constant(self, summary: Tensor, metric: Metric | None = None) -> Tensor:
        """Returns the prediction for one label that is best if it is the same for every example.

        Args:
            summary: of the training labels, as `summarise` and `merge` give it.
            metric: for which it is to be best; by default for the squared error or the accuracy.

        Raises:
            UnsupportedError: the task has no constant predictor.
        """
        raise UnsupportedError(f"task {self.name!r} has no trivial predictor.")

    def spread(self, constant: Tensor, prediction: Tensor) -> Tensor:
        """Gives a constant the shape, dtype and device of a prediction `[B, ...]`."""
        return constant.to(prediction).expand_as(prediction)
