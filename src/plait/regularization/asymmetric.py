"""Each network as a sparse combination of others, learned."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.core.watched import Watched
from plait.regularization.algebra.correlation import table
from plait.regularization.algebra.joined import bundles, joined, write
from plait.regularization.algebra.nonnegative_lasso import combine_others
from plait.regularization.algebra.quadratic import quadratic_prox
from plait.regularization.algebra.singular import gram
from plait.regularization.base import Mode
from plait.regularization.bases.estimating import Estimating


class Asymmetric(Estimating):
    """Pulls each network towards a sparse combination of others, in one direction (AMTL).

        R = sum_t |w_t - sum_s B_st w_s|^2 + mu sum_st |B_st|,    B >= 0,  diag B = 0

    with w_t the matched parameters of task t, and B_st how much task s gives to task t: a task may
    give without taking. The networks learn with B held; after `every` steps it is set to the best
    one for them. Until then B is 0, and R is ``|W|^2``. The proximal step is
    ``W <- (I + 2 eta lambda (I - B)(I - B)^T)^-1 W``, with the tasks as the rows of W.

    Args:
        strength: lambda, at least 0. In mode "loss", gradient descent diverges unless
            ``learning rate x 2 lambda k < 2``, with k the largest eigenvalue of (I - B)(I - B)^T;
            mode "prox" is stable for any lambda.
        mode: "loss" or "prox".
        sparsity: mu, at least 0, in units of a squared parameter vector; 0.1 by default (ours).
        every: optimizer steps from one B to the next, at least 1; 10 by default (ours).
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are tied.
        heads: whether the tasks' heads are tied as well.

    Raises:
        ConfigError: an option outside its range.

    Cost: O(T^2 P) in each step; an estimate takes that again and O(T^3) for each sweep of
        coordinate descent, at most 200, on the host.

    Differs: in the paper the sparsity of what a task gives grows with its own loss, so that tasks
        that are hard to learn give less; here it is the same for all.

    Reference: Lee, Yang, Hwang, "Asymmetric Multi-task Learning Based on Task Relatedness and
        Loss", ICML 2016.
    """

    transfer: Tensor  # B, [T, T]

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        sparsity: float = 0.1,
        every: int = 10,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength,
            mode=mode,
            every=every,
            scope=scope,
            include_bias=include_bias,
            heads=heads,
        )
        if not sparsity >= 0:
            raise ConfigError(f"`sparsity` must be at least 0; found {sparsity}.")
        self.sparsity = sparsity

    def start(self) -> None:
        """Starts with B = 0: no task gives anything to another."""
        rows = joined([self.groups[0]]).detach()
        self.register_buffer("transfer", rows.new_zeros(len(rows), len(rows)))

    @torch.no_grad()
    def estimate(self) -> None:
        """Sets B to the best one for the parameters as they are, from the last one on."""
        products = gram(joined(self.groups)).cpu().numpy()
        before = self.transfer.cpu().double().numpy()
        found = combine_others(products, self.sparsity, before)
        self.transfer.copy_(torch.from_numpy(found))

    def cost(self) -> Tensor:
        """Returns R at the present B, a scalar with a graph to the parameters only."""
        found = [self.sparsity * self.transfer.abs().sum()]
        for bundle in bundles(self.groups):
            rows = joined(bundle)
            found.append((rows - self.transfer.to(rows).T @ rows).square().sum())
        return torch.stack(found).sum()

    def prox(self, step: float) -> None:
        """Moves each task's parameters towards the combination of the others."""
        own = torch.eye(len(self.tasks)).to(self.transfer).double() - self.transfer.double()
        values, vectors = torch.linalg.eigh(own @ own.T)
        for bundle in bundles(self.groups):
            rows = joined(bundle).detach()
            write(bundle, quadratic_prox(rows, values.clamp(min=0), vectors, step))

    def watched(self) -> dict[str, Watched]:
        """Returns B as a table: row s, column t is the weight of task s in task t."""
        return {"Asymmetric: transfer": table(self.transfer, self.tasks)}
