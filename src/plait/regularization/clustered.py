"""Learns clusters of tasks, and pulls the networks of a cluster together."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.watched import Watched
from plait.regularization.algebra.capped_simplex import capped
from plait.regularization.algebra.correlation import table
from plait.regularization.base import Mode
from plait.regularization.bases.coupling import LearnedCoupling


class Clustered(LearnedCoupling):
    """Learns which tasks belong to one cluster, and keeps their networks alike (CMTL).

        R = beta (1 + beta) tr(W^T (beta I + M)^-1 W),    0 <= M <= I,  tr M = k

    with W, `[T, P]`, the matched parameters of the tasks as rows. M, `[T, T]`, is the convex
    relaxation of the matrix that projects the tasks onto k clusters: M_st is large for two tasks of
    one cluster. The networks learn with M held; after `every` steps it is set to the best one for
    them, which has the left singular vectors of W and the eigenvalues
    ``clip(sigma_i x - beta, 0, 1)``, with x such that they sum to k. Until then M is ``(k / T) I``.
    The proximal step is ``W <- (I + 2 eta lambda beta (1 + beta) (beta I + M)^-1)^-1 W``.

    Args:
        strength: lambda, at least 0 (rho_1 of the paper). In mode "loss", gradient descent diverges
            unless ``learning rate x 2 lambda (1 + beta) < 2``; mode "prox" is stable for any
            lambda.
        mode: "loss" or "prox".
        clusters: k, from 1 to the number of tasks; 1 by default. k is an upper bound: clusters may
            coincide.
        beta: above 0; 1 by default (ours). Small values tie a cluster tightly; the ratio rho_2 /
            rho_1 of the paper.
        every: optimizer steps from one M to the next, at least 1; 10 by default (ours).
        per_layer: one M for each layer; by default one for all parameters together.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are tied.
        heads: whether the tasks' heads are tied as well.

    Raises:
        ConfigError: an option outside its range; at `setup`, fewer tasks than clusters.

    Cost: O(T^2 P) in each step; for an estimate, that again and an eigendecomposition of a T x T
        matrix.

    Differs: the paper and its code move W and M together by projected gradients; M is exact here
        for the W of its moment.

    Reference: Zhou, Chen, Ye, "Clustered Multi-Task Learning Via Alternating Structure
        Optimization", NIPS 2011; the relaxation: Jacob, Bach, Vert, "Clustered Multi-Task Learning:
        A Convex Formulation", NIPS 2008.
    """

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        clusters: int = 1,
        beta: float = 1.0,
        every: int = 10,
        per_layer: bool = False,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength,
            mode=mode,
            every=every,
            per_layer=per_layer,
            scope=scope,
            include_bias=include_bias,
            heads=heads,
        )
        if clusters < 1:
            raise ConfigError(f"`clusters` must be at least 1; found {clusters}.")
        if not beta > 0:
            raise ConfigError(f"`beta` must be above 0; found {beta}.")
        self.clusters = clusters
        self.beta = beta

    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Matches the parameters and starts without clusters."""
        if self.clusters > len(networks):
            raise ConfigError(
                f"`clusters` must be at most the number of tasks, {len(networks)}; found "
                f"{self.clusters}."
            )
        super().setup(networks, heads)

    def first_values(self) -> Tensor:
        """Returns the eigenvalues `[T]` of (k / T) I."""
        share = self.clusters / len(self.tasks)
        return torch.full((len(self.tasks),), share, dtype=torch.float64)

    def values_at(self, singular_values: Tensor) -> Tensor:
        """Returns the eigenvalues `[T]` of M."""
        offsets = torch.full_like(singular_values, -self.beta)
        return capped(offsets, singular_values, self.clusters)

    def stiffness(self, values: Tensor) -> Tensor:
        """Returns the eigenvalues `[T]` of beta (1 + beta) (beta I + M)^-1."""
        return self.beta * (1 + self.beta) / (self.beta + values)

    def watched(self) -> dict[str, Watched]:
        """Returns M as a table by task; the mean over the layers if `per_layer`."""
        relation = self.relation()
        return {
            "Clustered: relation": table(
                relation.mean(dim=0) if self.per_layer else relation, self.tasks
            )
        }
