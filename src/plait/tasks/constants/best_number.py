"""The constant that is best for a metric of numbers, on given labels."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.regression import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredLogError,
    SymmetricMeanAbsolutePercentageError,
    WeightedMeanAbsolutePercentageError,
)

from plait.tasks.metrics.mean_distance import MeanDistance

ABSOLUTE = (MeanAbsoluteError, WeightedMeanAbsolutePercentageError)
RELATIVE = (MeanAbsolutePercentageError, SymmetricMeanAbsolutePercentageError)
ROUNDS = 100  # of Weiszfeld's algorithm


def best_number(labels: Tensor, metric: Metric | None = None) -> Tensor:
    """Returns the constant that is best for a metric: `[K]`, float64; 0 where there is no label.

    The median for mean absolute errors, the median weighted by 1/|label| for relative ones, the
    mean of logarithms for the logarithmic one, the geometric median for the distance of points; the
    mean for all others.

    Args:
        labels: `[n, K]`, NaN where one is missing.
        metric: what is measured; the mean if None.

    Example:
        >>> labels = torch.tensor([[0.0], [40.0], [41.0]])
        >>> best_number(labels).item(), best_number(labels, MeanAbsoluteError()).item()
        (27.0, 40.0)
    """
    labels = labels.double()
    if len(labels) == 0:
        return labels.new_zeros(labels.shape[1])
    if isinstance(metric, ABSOLUTE):
        best = labels.nanmedian(dim=0).values
    elif isinstance(metric, RELATIVE):
        best = torch.stack([_relative_median(column) for column in labels.T])
    elif isinstance(metric, MeanSquaredLogError):
        best = labels.log1p().nanmean(dim=0).expm1()
    elif isinstance(metric, MeanDistance):
        best = _geometric_median(labels[~labels.isnan().any(dim=1)])
    else:
        best = labels.nanmean(dim=0)
    return best.nan_to_num(0.0)


def _relative_median(column: Tensor) -> Tensor:
    """Returns the median of the labels that are there, each weighted by 1/|label|."""
    ordered = column[~column.isnan()].sort().values
    if len(ordered) == 0:
        return column.new_zeros(())
    mass = (1 / ordered.abs().clamp(min=torch.finfo(torch.float32).eps)).cumsum(0)
    return ordered[torch.searchsorted(mass, mass[-1:] / 2)[0]]


def _geometric_median(points: Tensor) -> Tensor:
    """Returns the point with the least mean distance from all, by Weiszfeld's algorithm.

    Reference: Vardi, Zhang, "The multivariate L1-median and associated data depth", PNAS 2000 (for
        an iterate that meets a point).
    """
    median = points.nanmean(dim=0)
    tiny = torch.finfo(torch.float64).tiny
    for _ in range(ROUNDS):
        away = points - median
        distances = away.norm(dim=1)
        met = distances == 0
        pull = torch.where(met, 0.0, 1 / distances.clamp(min=tiny))
        if not bool(pull.any()):
            break
        force = (away * pull.unsqueeze(1)).sum(dim=0)
        free = (1 - met.sum() / force.norm().clamp(min=tiny)).clamp(min=0)
        median = median + free * force / pull.sum()
    return median
