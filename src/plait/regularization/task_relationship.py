"""Learns how the tasks are related, and couples them by it."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.core.watched import Watched
from plait.regularization.algebra.correlation import correlation_of, table
from plait.regularization.algebra.inverse import inverse_of_positive
from plait.regularization.base import Mode
from plait.regularization.bases.coupling import LearnedCoupling


class TaskRelationship(LearnedCoupling):
    """Learns the covariance of the tasks, positive or negative, with the networks (MTRL).

        R = tr(W^T Omega^-1 W),    Omega = (W W^T + eps I)^{1/2} / tr((W W^T + eps I)^{1/2})

    with W, `[T, P]`, the matched parameters of the tasks as rows, and Omega, `[T, T]`, positive
    semi-definite with trace 1. The networks learn with Omega held; after `every` steps it is set to
    the best one for them, which is the formula above. At that Omega, and for eps = 0, R is the
    square of the trace norm of W. Until the first estimate Omega is I / T, and R is ``T |W|^2``.
    The proximal step is ``W <- (I + 2 eta lambda Omega^-1)^-1 W``.

    Args:
        strength: lambda, at least 0. In mode "loss", gradient descent diverges unless
            ``learning rate x 2 lambda < 2 omega`` for the smallest eigenvalue omega of Omega, which
            is about sqrt(eps) / |W| where tasks are alike; mode "prox" is stable for any lambda.
        mode: "loss" or "prox".
        every: optimizer steps from one Omega to the next, at least 1; 10 by default (ours; the
            paper alternates until convergence).
        eps: at least 0, in units of a squared parameter vector; 1e-3 by default (ours). It keeps
            Omega invertible; with 0, directions without any variance are not penalised at all
            (Omega has its pseudo-inverse).
        per_layer: one Omega for each layer; by default one for all parameters together.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are tied.
        heads: whether the tasks' heads are tied as well.

    Raises:
        ConfigError: an option outside its range.

    Cost: O(T^2 P) in each step; for an estimate, that again and an eigendecomposition of a T x T
        matrix.

    Differs: the paper also penalises |W|^2; that is the optimizer's weight decay. eps is ours.

    Reference: Zhang, Yeung, "A Convex Formulation for Learning Task Relationships in Multi-Task
        Learning", UAI 2010.
    """

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        every: int = 10,
        eps: float = 1e-3,
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
        if not eps >= 0:
            raise ConfigError(f"`eps` must be at least 0; found {eps}.")
        self.eps = eps

    def first_values(self) -> Tensor:
        """Returns the eigenvalues `[T]` of I / T."""
        return torch.full((len(self.tasks),), 1 / len(self.tasks), dtype=torch.float64)

    def values_at(self, singular_values: Tensor) -> Tensor:
        """Returns the eigenvalues `[T]` of Omega."""
        roots = (singular_values.square() + self.eps).sqrt()
        total = roots.sum()
        return roots / total if bool(total > 0) else self.first_values()

    def stiffness(self, values: Tensor) -> Tensor:
        """Returns the eigenvalues `[T]` of the inverse; 0 where that of Omega is 0."""
        return inverse_of_positive(values)

    def correlation(self) -> Tensor:
        """Returns the correlations `[T, T]` of the tasks; the mean over layers if `per_layer`."""
        found = correlation_of(self.relation())
        return found.mean(dim=0) if self.per_layer else found

    def watched(self) -> dict[str, Watched]:
        """Returns the correlations as a table by task."""
        return {"TaskRelationship: correlation": table(self.correlation(), self.tasks)}
