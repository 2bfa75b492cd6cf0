"""What torchmetrics does not bring: the mean distance of points, and a metric's best value."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torchmetrics import MeanMetric, Metric

from plait.core.errors import ConfigError


class MeanDistance(MeanMetric):
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

    def update(self, value: Any, weight: Any = 1.0) -> None:
        """Adds predictions (`value`) and targets (`weight`, torchmetrics' name for the second)."""
        prediction: Tensor = value
        target: Tensor = weight
        super().update((prediction - target).norm(dim=-1))


def direction(name: str, metric: Metric) -> bool:
    """Returns whether a higher value of `metric` is better.

    Raises:
        ConfigError: the metric does not say.
    """
    if metric.higher_is_better is None:
        raise ConfigError(
            f"metric {name!r} ({type(metric).__name__}) does not say whether higher is better. "
            "Set `higher_is_better` on it to True or False."
        )
    return bool(metric.higher_is_better)


def perfect_value(name: str, metric: Metric) -> float:
    """Returns the best value that `metric` can take: its bound on the better side.

    Raises:
        ConfigError: the metric has no such bound.
    """
    higher = direction(name, metric)
    bound = metric.plot_upper_bound if higher else metric.plot_lower_bound
    if bound is None:
        raise ConfigError(
            f"metric {name!r} ({type(metric).__name__}) has no best value, so skill is not defined on it. "
            f"Set `plot_{'upper' if higher else 'lower'}_bound` on it, or name another rule."
        )
    return float(bound)
