"""Squared distances from the mean of the tasks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.regularization.algebra.joined import Groups, bundles, joined


def spread(rows: Tensor) -> Tensor:
    """Returns ``sum_t |w_t - mean|^2``; T times that is the sum over all pairs ``|w_s - w_t|^2``.

    Args:
        rows: the vectors w_t, `[T, P]`.

    Example:
        >>> spread(torch.tensor([[1.0], [3.0]]))
        tensor(2.)
    """
    return (rows - rows.mean(dim=0)).square().sum()


def spread_of(groups: Groups) -> Tensor:
    """Returns the spread of the tasks' parameters, with a graph.

    Args:
        groups: for each layer, the parameters of all tasks.
    """
    return torch.stack([spread(joined(bundle)) for bundle in bundles(groups)]).sum()


def pull_together(groups: Groups, strengths: Sequence[float]) -> None:
    """Applies the proximal operator of ``sum_l c_l spread(layer l)`` in place.

    It is ``w_t <- mean + (w_t - mean) / (1 + 2 c)``: the mean stays. Needs memory for one network.

    Args:
        groups: for each layer, the parameters of all tasks.
        strengths: c, at least 0, for each layer.
    """
    by_task = [list(layers) for layers in zip(*groups, strict=True)]
    weights = [2 * c / (1 + 2 * c) for c in strengths]
    with torch.no_grad():
        mean = [parameter.clone() for parameter in by_task[0]]
        for count, parameters in enumerate(by_task[1:], start=2):
            # a running mean: that of equal vectors is that vector, to the last bit
            torch._foreach_lerp_(mean, parameters, 1 / count)
        for parameters in by_task:
            torch._foreach_lerp_(parameters, mean, weights)
