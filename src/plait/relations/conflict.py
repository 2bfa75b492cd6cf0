"""Conflict between the tasks' gradients: cosines, lengths, and shares of the update."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from plait.core.errors import ConfigError, NonFiniteError, ShapeError
from plait.gradients import gramian as inner_products

Floats = NDArray[np.float64]
ROUNDING = 1e-12  # of a cosine: what is left of gradients that are orthogonal


@dataclass(frozen=True)
class Conflict:
    """The relations between the gradients of T tasks at the parameters that they share.

    Attributes:
        tasks: names of the tasks, in the order of rows and columns.
        norms: lengths of the gradients, `[T]`.
        cosines: cosine of each two gradients, `[T, T]`, from -1 (opposed) to 1 (alike).
        similarity: magnitude similarity of each two, `[T, T]`: 1 for equal lengths, towards 0 where
            one is much longer than the other.
        toward_mean: cosine of each gradient with the mean of all, `[T]`.
        shares: part of each task in the update by length, `[T]`; they add up to 1.
        zero: names of the tasks whose gradient is zero; their numbers are 0 for want of a value.
    """

    tasks: tuple[str, ...]
    norms: Floats
    cosines: Floats
    similarity: Floats
    toward_mean: Floats
    shares: Floats
    zero: tuple[str, ...]

    @property
    def conflicts(self) -> NDArray[np.bool_]:
        """The pairs that conflict, boolean `[T, T]`: their cosine is below 0."""
        found: NDArray[np.bool_] = self.cosines < -ROUNDING
        return found

    @property
    def rate(self) -> float:
        """The share of the pairs that conflict, 0 to 1; 0 without a pair.

        A pair with a zero gradient is none.
        """
        known = ~np.isin(self.tasks, self.zero)
        pairs = np.triu(np.outer(known, known), k=1)
        return float(self.conflicts[pairs].mean()) if pairs.any() else 0.0


def gradient_conflict(
    *,
    jacobian: Any = None,
    gramian: Any = None,
    tasks: Sequence[str] | None = None,
    weights: Any = None,
) -> Conflict:
    """Compares the gradients of the tasks, from the gradients or from their inner products.

        cos_ij = g_i . g_j / (|g_i| |g_j|), a conflict if it is below 0
        similarity_ij = 2 |g_i| |g_j| / (|g_i|^2 + |g_j|^2)
        toward_mean_i = cos(g_i, 1/T sum_j g_j)
        share_i = |w_i| |g_i| / sum_j |w_j| |g_j|, of the update sum_j w_j g_j

    Args:
        jacobian: the gradients as rows, J `[T, P]`, a tensor or an array; or give `gramian`.
        gramian: their inner products ``J J^T``, `[T, T]`.
        tasks: names of the tasks; "0", "1", ... by default.
        weights: of the tasks in the update, `[T]`; 1 by default.

    Returns:
        The comparison. A zero gradient has cosine and similarity 0 with all, itself included, and
        its task is named in `zero`; nothing is NaN.

    Raises:
        ConfigError: both or neither of `jacobian` and `gramian`, or a wrong number of names.
        ShapeError: a matrix or the weights have another shape.
        NonFiniteError: a number is NaN or infinite.

    Reference: Yu, Kumar, Gupta, Levine, Hausman, Finn, "Gradient Surgery for Multi-Task Learning",
        NeurIPS 2020.

    Example:
        >>> found = gradient_conflict(jacobian=[[3.0, 4.0], [-3.0, 0.0]], tasks=["a", "b"])
        >>> found.cosines[0, 1].item(), found.rate
        (-0.6, 1.0)
    """
    matrix, scale = _gramian(jacobian, gramian)
    count = len(matrix)
    names = tuple(map(str, range(count))) if tasks is None else tuple(tasks)
    if len(names) != count:
        raise ConfigError(f"`tasks` must be {count} names, one a row; found {len(names)}.")
    factors = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if factors.shape != (count,):
        raise ShapeError(f"`weights` must be [{count}], one a task; found {list(factors.shape)}.")
    norms = np.sqrt(matrix.diagonal().clip(min=0))
    zero = norms == 0
    safe = np.where(zero, 1.0, norms)
    ratio = np.minimum.outer(norms, norms) / np.maximum.outer(safe, safe)
    total = math.sqrt(max(float(matrix.sum()), 0.0))
    pull = np.abs(factors) * norms
    return Conflict(
        tasks=names,
        norms=norms * scale,
        cosines=(matrix / safe[:, None] / safe).clip(-1.0, 1.0),
        similarity=2 * ratio / (1 + ratio**2),
        toward_mean=(matrix.sum(axis=1) / safe / (total or 1.0)).clip(-1.0, 1.0),
        shares=pull / (pull.sum() or 1.0),
        zero=tuple(name for name, nothing in zip(names, zero, strict=True) if nothing),
    )


def _gramian(jacobian: Any, gramian: Any) -> tuple[Floats, float]:
    """Returns the Gramian over the square of a scale, and the scale: no square overflows."""
    if (jacobian is None) == (gramian is None):
        raise ConfigError("give the gradients as `jacobian` or their products as `gramian`: one.")
    given = torch.as_tensor(gramian if jacobian is None else jacobian).detach()
    name = "gramian" if jacobian is None else "jacobian"
    if given.dim() != 2 or not len(given) or (jacobian is None and len(given) != len(given.T)):
        wanted = "square [T, T]" if jacobian is None else "[T, P]"
        hint = " Did you pass the Jacobian?" if jacobian is None else ""
        raise ShapeError(f"`{name}` must be {wanted}; found {list(given.shape)}.{hint}")
    size = float(given.abs().max()) if given.numel() else 0.0
    if not math.isfinite(size):
        raise NonFiniteError(f"`{name}` has a number that is NaN or infinite. Leave its task out.")
    scale = size or 1.0
    if jacobian is None:
        return np.asarray(given.double().cpu() / scale), math.sqrt(scale)
    return inner_products(given.double() / scale, torch.float64).cpu().numpy(), scale
