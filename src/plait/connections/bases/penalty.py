"""Connections that add a cost to the objective for each edge."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor

from plait.connections.base import Connection, Detach, checked_detach
from plait.connections.edges.alpha import Alpha, AlphaLike
from plait.connections.edges.graph import Edge, written
from plait.connections.edges.wiring import Wiring
from plait.core.errors import UnsupportedError
from plait.core.outputs import Outputs, Term
from plait.core.watched import Watched


class PenaltyConnection(Connection):
    """Adds ``alpha_st C_st`` to the objective for each edge.

    C is a mean over inputs and needs no labels. In training, both tasks of an edge run where one of
    them is wanted, so that it also counts where a task has no label in a batch; with inputs that
    differ by task, both run on the inputs of each.

    Args:
        edges: as in `Connection`.
        alpha: the weights; see `Alpha`. With a fixed 0 the term is skipped.
        detach: None lets gradients flow into both tasks: the exact minimum over all parameters;
            "source" or "target" holds that side fixed.
    """

    reads_outputs: ClassVar[bool] = True

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges)
        self.alpha = alpha
        self.detach: Detach = checked_detach(detach, ("source", "target"), type(self).__name__)
        self.weights: Alpha | None = None

    def setup(self, wiring: Wiring) -> None:
        """Checks the edges and makes the weights."""
        super().setup(wiring)
        self.weights = Alpha(self.alpha, self.links, "penalty")

    @property
    def active(self) -> tuple[Edge, ...]:
        """The edges that are not off, after `setup`."""
        assert self.weights is not None
        return tuple(edge for edge in self.links if not self.weights.off(edge))

    @abstractmethod
    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        """Returns C of one edge, a scalar with a graph, at least 0.

        Args:
            edge: both tasks are in `outputs`.
            outputs: predictions and features of a batch; empty if `reads_outputs` is false.
        """

    def held(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the pair to compare; the side that `detach` names is cut off from its graph."""
        return (
            source.detach() if self.detach == "source" else source,
            target.detach() if self.detach == "target" else target,
        )

    def terms(self, outputs: Outputs) -> dict[str, Term]:
        """Returns `{"Hint[s -> t]": term}`; an edge one of whose tasks did not run is left out.

        Raises:
            UnsupportedError: the rows of the tasks are different examples.
        """
        assert self.weights is not None
        found: dict[str, Term] = {}
        for edge in self.active:
            if not self.reads_outputs or all(task in outputs for task in edge):
                if not outputs.common:
                    raise UnsupportedError(
                        f"{type(self).__name__} compares what tasks make of one example; with "
                        "PerTask inputs both tasks of an edge run on each input in training only. "
                        "Call `model.train()`, or give one common input."
                    )
                cost = self.cost(edge, outputs)
                found[f"{type(self).__name__}[{written(edge)}]"] = self.weights.weigh(edge, cost)
        return found

    def watched(self) -> dict[str, Watched]:
        """Returns the weights that change; empty if all are fixed."""
        found = self.weights
        return {} if found is None else found.watched(f"{type(self).__name__}: alpha")
