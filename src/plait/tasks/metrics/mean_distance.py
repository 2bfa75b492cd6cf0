"""The mean distance of predicted points from their labels."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanDistance(Metric):
    """Mean Euclidean distance ``(1/N) sum_i |prediction_i - target_i|``, in the unit of the labels.

    Shapes: predictions and targets `[N, K]`.

    Example:
        >>> import torch
        >>> metric = MeanDistance()
        >>> metric.update(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
        >>> metric.compute().item()
        5.0
    """

    higher_is_better = False
    plot_lower_bound = 0.0
    total: Tensor
    number: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", default=torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("number", default=torch.tensor(0), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Adds the distances of predictions from targets."""
        distances = (prediction - target).norm(dim=-1)
        self.total += distances.sum()
        self.number += distances.numel()

    def compute(self) -> Tensor:
        """Returns the mean over all that was added."""
        return self.total / self.number
