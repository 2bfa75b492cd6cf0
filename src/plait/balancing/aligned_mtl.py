"""Gradients made orthogonal and equally long."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from plait.balancing.algebra.cosines import rounding
from plait.balancing.base import GramianBalancer
from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError

SCALES = {
    "min": lambda values: values[0],
    "median": lambda values: values[(len(values) - 1) // 2],  # the lower one of two
    "rmse": lambda values: values.mean(),
}


class AlignedMTL(GramianBalancer):
    """Replaces the gradients by the nearest orthogonal ones of equal length, then adds them up.

        G = V diag(l) V^T,    w = sqrt(s) V l^(-1/2) V^T 1

    over the eigenvalues l > T eps l_max of the Gramian, eps that of the rows' dtype. The rows of
    the aligned Jacobian ``B J = sqrt(s) V l^(-1/2) V^T J`` span what J spans, and none of their
    combinations is longer than another. A task with a small gradient counts as much as the others,
    but the method is not invariant to the scale of one loss.

    With "min" the step is about as long as the shortest combination of the gradients: two nearly
    equal tasks make it vanish, until the rank test drops their difference and it jumps back.

    Args:
        scale_mode: s, the squared length of the aligned rows: "min" (the smallest eigenvalue kept;
            the paper's choice), "median" (the lower one) or "rmse" (the mean).

    Shapes: gramian `[..., T, T]`, weights `[..., T]`.

    Raises:
        ConfigError: an unknown `scale_mode`.

    Example: orthogonal rows of length 2 and 1; both get length 1.
        >>> import torch
        >>> AlignedMTL().weights(torch.tensor([[4.0, 0.0], [0.0, 1.0]]))
        tensor([0.5000, 1.0000], dtype=torch.float64)

    Differs: the weights are summed as in the authors' code; the paper divides them by T. The rank
        test uses the dtype of the rows, the authors' code always that of float32.

    Cost: T backward passes, one eigendecomposition, O(T^3); one `[T, P]` buffer.

    Reference: Senushkin, Patakin, Kuznetsov, Konushin, "Independent Component Alignment for
        Multi-Task Learning", CVPR 2023, algorithm 1.
    """

    def __init__(self, *, scale_mode: Literal["min", "median", "rmse"] = "min") -> None:
        super().__init__()
        if scale_mode not in SCALES:
            raise ConfigError(
                f"`scale_mode` must be 'min', 'median' or 'rmse'; found {scale_mode!r}."
            )
        self.scale_mode = scale_mode

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Aligns by the eigendecomposition of the Gramian."""
        count = len(gramian)
        noise = rounding(info, count)
        values, vectors = np.linalg.eigh(gramian / np.diag(gramian).max())
        kept = values > noise * values[-1]
        if not kept.all():
            self.flag = f"rank {kept.sum()} of {count}"
        values, vectors = values[kept], vectors[:, kept]
        total = vectors.sum(axis=0)
        if total @ total <= noise * count:  # else its rounding would be a direction
            self.flag = "the aligned gradients cancel"
            return np.zeros(count)
        lengths = np.sqrt(SCALES[self.scale_mode](values) / values)
        weights: np.ndarray = vectors @ (lengths * total)
        return weights
