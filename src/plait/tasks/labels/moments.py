"""Mean and standard deviation of labels that come in batches."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Moments:
    """Adds up labels, for the weighted mean and standard deviation of each of K numbers.

    In double precision, and by batches (Chan et al. 1983), so that neither a large mean nor many
    labels cost digits. The standard deviation is that of the labels as they are, divided by n.

    Args:
        outputs: K.

    Attributes:
        mass: sum of the weights `[K]`; 0 where there was no label.
        mean: `[K]`; 0 where there was no label.
    """

    def __init__(self, outputs: int) -> None:
        self.mass = torch.zeros(outputs, dtype=torch.float64)
        self.mean = torch.zeros(outputs, dtype=torch.float64)
        self._squares = torch.zeros(outputs, dtype=torch.float64)
        self._low = torch.full((outputs,), math.inf, dtype=torch.float64)
        self._high = -self._low

    def add(self, rows: Tensor, weights: Tensor) -> None:
        """Adds labels `[n, K]` with weights `[n, K]`; one of weight 0 may be NaN."""
        weights = weights.double()
        there = weights > 0
        rows = rows.double().where(there, 0.0)
        mass = weights.sum(0)
        mean = (weights * rows).sum(0) / mass.where(mass > 0, 1.0)
        squares = (weights * (rows - mean).square()).sum(0)
        self._join(mass, mean, squares)
        if len(rows):
            self._low = self._low.minimum(rows.where(there, math.inf).amin(0))
            self._high = self._high.maximum(rows.where(there, -math.inf).amax(0))

    def merge(self, other: Moments) -> None:
        """Adds the labels that another one has added up."""
        self._join(other.mass, other.mean, other._squares)
        self._low, self._high = self._low.minimum(other._low), self._high.maximum(other._high)

    def _join(self, mass: Tensor, mean: Tensor, squares: Tensor) -> None:
        """Adds labels with sum of weights, mean, and squared deviations from it, each `[K]`."""
        total = self.mass + mass
        share = mass / total.where(total > 0, 1.0)
        apart = mean - self.mean
        self._squares += squares + apart.square() * self.mass * share
        self.mean += apart * share
        self.mass = total

    @property
    def deviation(self) -> Tensor:
        """The standard deviation `[K]`; 0 where all labels are equal, or there are none."""
        spread = (self._squares / self.mass.where(self.mass > 0, 1.0)).sqrt()
        return spread.where(self._low < self._high, 0.0)  # rounding is no deviation
