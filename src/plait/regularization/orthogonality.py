"""Features of different tasks that do not repeat each other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.features import Features
from plait.core.outputs import Term
from plait.networks.grids import pool
from plait.regularization.algebra.orthogonal import FORMS, OrthogonalityForm, orthogonality
from plait.regularization.base import Regularizer


class Orthogonality(Regularizer):
    """Keeps the features of different tasks from repeating each other.

        R = sum_{s<t} C(Z_s, Z_t)

    with Z_t, `[B, d_t]`, the features that the head of task t reads (maps and tokens pooled), and C
    by form:

        "frobenius"   |Z_s^T Z_t|_F^2, which grows with the square of the batch
        "normalised"  the mean of the squared entries of Z_s^T Z_t, after centring over the batch
                      and scaling of each example's features to length 1
        "uncentred"   the same without centring

    The pairs are those of the tasks that a batch has. Between the shared and the private features
    of one network, `sharing.SharedPrivate` has the same term.

    Args:
        strength: lambda, at least 0.
        form: as above; "normalised" by default.

    Shapes: all tasks need the features of the same examples, from one common input.

    Raises:
        ConfigError: an unknown form.
        ShapeError: the tasks' features are of different numbers of examples.

    Cost: O(T^2 B d min(B, d)) in each step.

    Differs: "normalised" is that of the authors' code of the second paper; both papers write
        "frobenius". Both are of shared and private features, this of every pair of tasks.

    Reference: Liu, Qiu, Huang, "Adversarial Multi-task Learning for Text Classification", ACL 2017;
        Bousmalis, Trigeorgis, Silberman, Krishnan, Erhan, "Domain Separation Networks", NIPS 2016.
    """

    ties = False
    reads_features = True

    def __init__(self, *, strength: float, form: OrthogonalityForm = "normalised") -> None:
        super().__init__(strength=strength)
        if form not in FORMS:
            raise ConfigError(f"`form` must be one of {', '.join(FORMS)}; found {form!r}.")
        self.form: OrthogonalityForm = form

    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Does nothing: the term reads features, not the networks."""

    def cost(self, features: Mapping[str, Features]) -> Tensor:
        """Returns R of the features of a batch, a scalar; there must be at least two tasks."""
        pooled = [pool(each) for each in features.values()]
        pairs = [orthogonality(s, t, self.form) for s, t in combinations(pooled, 2)]
        return torch.stack(pairs).sum()

    def term(self, features: Mapping[str, Features]) -> Term | None:
        """Returns R and lambda R of a batch; None for fewer than two tasks, and at strength 0."""
        if self.strength == 0 or len(features) < 2:
            return None
        device = next(iter(features.values())).levels[-1].device
        with torch.autocast(device.type, enabled=False):
            cost = self.cost(features)
        return Term(cost, cost * self.strength)
