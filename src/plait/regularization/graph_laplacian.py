"""Squared distances between the tasks that a graph joins."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.regularization.algebra.joined import bundles, joined, write
from plait.regularization.algebra.laplacian import Graph, adjacency, laplacian
from plait.regularization.algebra.quadratic import quadratic, quadratic_prox
from plait.regularization.base import Mode, ParameterRegularizer


class GraphLaplacian(ParameterRegularizer):
    """Pulls together the networks of tasks that are joined in a graph.

        R = sum_{s<t} A_st |theta_s - theta_t|^2 = tr(W^T L W),    L = D - A

    with theta_t, row t of W, the matched parameters of task t, A_st the weight between two tasks,
    and D the row sums of A on the diagonal. With A = 1 it is `PairwiseL2`; a chain suits ordered
    tasks, such as points in time (temporal smoothness). The proximal step is
    ``W <- (I + 2 eta lambda L)^-1 W``.

    Args:
        strength: lambda, at least 0. In mode "loss", gradient descent diverges unless
            ``learning rate x 2 lambda k < 2``, with k the largest eigenvalue of L, at most twice
            the largest row sum of A; mode "prox" is stable for any lambda.
        mode: "loss" or "prox".
        graph: "chain" (default) joins each task with the next, with weight 1; a matrix, as nested
            lists in the order of the tasks; or ``{"s - t": weight}`` of the pairs that are joined.
            It has no direction, and its diagonal does not matter.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are tied.
        heads: whether the tasks' heads are tied as well.

    Raises:
        ConfigError: at `setup`, if the graph is not symmetric, has another size than the tasks, a
            negative weight, or an unknown pair.

    Cost: O(T^2 P) in each step as one product of matrices; the memory of the T networks.

    Differs: the resolvent is formed from the eigenvectors of L, once found, and not by solving a
        system: of a very large lambda, a solver would leave rounding errors in the mean.

    Reference: Evgeniou, Micchelli, Pontil, "Learning Multiple Tasks with Kernel Methods", JMLR
        2005; chain: Zhou, Yuan, Liu, Ye, "A Multi-Task Learning Formulation for Predicting Disease
        Progression", KDD 2011.
    """

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        graph: Graph = "chain",
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, mode=mode, scope=scope, include_bias=include_bias, heads=heads
        )
        self.graph = graph
        # no buffers: they follow from the graph, and keep their precision when the dtype changes
        self._values = torch.zeros(0)
        self._vectors = torch.zeros(0)

    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Matches the parameters and reads the graph."""
        super().setup(networks, heads)
        values, self._vectors = torch.linalg.eigh(laplacian(adjacency(self.graph, self.tasks)))
        rounding = len(values) * torch.finfo(values.dtype).eps * values.max()
        # what the graph leaves alone is left alone exactly, however strong the step
        self._values = values.where(values > rounding, 0.0)

    def cost(self) -> Tensor:
        """Returns the weighted sum of the squared distances."""
        found = [
            quadratic(joined(bundle), self._values, self._vectors)
            for bundle in bundles(self.groups)
        ]
        return torch.stack(found).sum()

    def prox(self, step: float) -> None:
        """Smooths the parameters over the graph."""
        for bundle in bundles(self.groups):
            rows = joined(bundle).detach()
            write(bundle, quadratic_prox(rows, self._values, self._vectors, step))
