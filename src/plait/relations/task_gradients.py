"""The scores of one task's examples as linear functions of a change of the parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from plait.relations.conflict import Floats

Kind = Literal["squared", "logistic"]


@dataclass(frozen=True)
class TaskGradients:
    """The scores of one task's examples, and how they move with the shared parameters.

    The loss of an example is a function of its score: ``v^2`` ("squared") or ``log(1 + exp(-v))``
    ("logistic"). A change d of the parameters, in the projected directions, moves the score to
    ``v + f . d``, to first order.

    Attributes:
        kind: "squared" or "logistic".
        scores: v, `[n]`.
        features: f, the projected gradients of the scores, `[n, k]`.
        masses: labels of each example, or of each group of examples, `[n]`.
        units: numbers of the examples; one example has the same number in all tasks, `[n]`.
    """

    kind: Kind
    scores: Floats
    features: Floats
    masses: Floats
    units: NDArray[np.int64]

    def only(self, kept: NDArray[np.bool_]) -> TaskGradients:
        """Returns some of the examples: those where `kept` `[n]` is true."""
        return TaskGradients(
            self.kind,
            self.scores[kept],
            self.features[kept],
            self.masses[kept],
            self.units[kept],
        )

    @cached_property
    def shares(self) -> Floats:
        """The part of each example in the mean loss, `[n]`; they add up to 1."""
        found: Floats = self.masses / self.masses.sum()
        return found

    @cached_property
    def at_rest(self) -> Floats:
        """The curvature at no change, `[k, k]`."""
        return self.curvature(np.zeros(self.features.shape[1]))

    def mean_loss(self, change: Floats) -> float:
        """Returns the mean loss after a change d `[k]`."""
        scores = self.scores + self.features @ change
        losses = scores**2 if self.kind == "squared" else np.logaddexp(0.0, -scores)
        return float(losses @ self.shares)

    def slope(self, change: Floats) -> Floats:
        """Returns the gradient of the mean loss by d, `[k]`."""
        scores = self.scores + self.features @ change
        found: Floats = (self._first(scores) * self.shares) @ self.features
        return found

    def curvature(self, change: Floats) -> Floats:
        """Returns the second derivatives of the mean loss by d, `[k, k]`."""
        scores = self.scores + self.features @ change
        second = self._second(scores) * self.shares
        found: Floats = (self.features.T * second) @ self.features
        return found

    def _first(self, scores: Floats) -> Floats:
        return 2 * scores if self.kind == "squared" else -_missed(scores)

    def _second(self, scores: Floats) -> Floats:
        if self.kind == "squared":
            return np.full_like(scores, 2.0)
        missed = _missed(scores)
        return missed * (1 - missed)


def _missed(scores: Floats) -> Floats:
    """Returns 1 / (1 + exp(v)), the probability that is not on the right class."""
    found: Floats = np.exp(-np.logaddexp(0.0, scores))
    return found
