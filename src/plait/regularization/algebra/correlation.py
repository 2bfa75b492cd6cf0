"""Correlations from covariances, for the log."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.core.watched import Watched
from plait.regularization.algebra.inverse import inverse_of_positive


def correlation_of(covariance: Tensor) -> Tensor:
    """Returns ``S_ij / sqrt(S_ii S_jj)``, `[..., T, T]`; 0 beside an S_ii of 0, 1 on the diagonal.

    Example:
        >>> correlation_of(torch.tensor([[4.0, 1.0], [1.0, 1.0]]))
        tensor([[1.0000, 0.5000],
                [0.5000, 1.0000]])
    """
    scale = inverse_of_positive(covariance.diagonal(dim1=-2, dim2=-1)).sqrt()
    found = covariance * scale[..., None] * scale[..., None, :]
    identity = torch.eye(covariance.shape[-1], dtype=torch.bool, device=covariance.device)
    return torch.where(identity, 1.0, found)


def table(matrix: Tensor, tasks: Sequence[str]) -> Watched:
    """Returns a matrix `[T, T]` by task, for the log."""
    rows = {task: row.detach().clone() for task, row in zip(tasks, matrix, strict=True)}
    return Watched(rows, tuple(tasks))
