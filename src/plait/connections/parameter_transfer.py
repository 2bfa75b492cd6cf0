"""Parameters that are drawn to those of another task's network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from torch import Tensor, nn

from plait.connections.base import Detach
from plait.connections.bases.penalty import PenaltyConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import Edge, written
from plait.connections.edges.wiring import Wiring
from plait.core.errors import UnsupportedError
from plait.core.outputs import Outputs
from plait.networks.matching import match_parameters


class ParameterTransfer(PenaltyConnection):
    """Draws the parameters of one task's network to those of another (a chain of soft sharing).

        C_st = |theta_s - theta_t|^2

    summed over the matched parameters: those of one name, without batch normalisation.

    Args:
        scope: a pattern of parameter names, such as ``"stages.0.*"``; all by default.
        include_bias: whether biases (and all other vectors) are among them.
        edges: pairs [source, target]; by default the chain in the order of the tasks.
        alpha: the weights; see `Alpha`. With a fixed 0 the term is skipped.
        detach: None moves both networks; "source" or "target" holds that side fixed.

    Raises:
        UnsupportedError: the tasks share their network.
        ConfigError: `scope` matches nothing.
        ShapeError: parameters of one name have different shapes.

    Differs: over the edges of a chain it is the penalty of temporally smooth models, as the paper
        has for linear models of successive time points; `regularization.GraphLaplacian` is the same
        for undirected graphs, with a proximal step. Start the networks from one point
        (``Separate(copies="clone")``): networks that start apart differ by permutations of units.
        Gradient descent diverges unless the learning rate times 2 alpha times the largest
        eigenvalue of the graph's Laplacian (below 4 on a chain) is below 2.

    Cost: O(P) for each edge, once in a step.

    Reference: Zhou, Yuan, Liu, Ye, "A Multi-Task Learning Formulation for Predicting Disease
        Progression", KDD 2011.
    """

    reads_outputs = False

    def __init__(
        self,
        *,
        scope: str = "*",
        include_bias: bool = True,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)
        self.scope = scope
        self.include_bias = include_bias
        self.matched: dict[str, list[list[nn.Parameter]]] = {}

    def setup(self, wiring: Wiring) -> None:
        """Matches the parameters of the networks that edges join."""
        super().setup(wiring)
        for edge in self.active:
            if not all(task in wiring.networks for task in edge):
                raise UnsupportedError(
                    "ParameterTransfer ties one network per task, and the tasks share theirs. Use "
                    "sharing.Separate."
                )
            pairs = match_parameters(
                {task: wiring.networks[task] for task in edge},
                None,
                scope=self.scope,
                include_bias=self.include_bias,
                method="ParameterTransfer",
            )
            self.matched[written(edge)] = list(pairs.values())

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        """Returns the squared distance."""
        parts: list[Tensor] = []
        for source, target in self.matched[written(edge)]:
            one, two = self.held(source, target)
            parts.append((one - two).square().sum())
        return reduce(add, parts)
