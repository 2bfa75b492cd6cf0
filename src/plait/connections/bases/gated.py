"""Connections that hand signals from task to task, each times a gate."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence

from torch import Tensor

from plait.connections.base import Connection, Detach, checked_detach
from plait.connections.edges.alpha import Alpha, AlphaLike
from plait.connections.edges.graph import Edge
from plait.connections.edges.wiring import Wiring
from plait.core.watched import Watched


class Gated(Connection, ABC):
    """Multiplies what passes along an edge by the gate of that edge.

    Args:
        edges: as in `Connection`.
        alpha: the gates; see `Alpha`. With a fixed 0 an edge is not run at all.
        detach: "source" lets no gradient of a task flow back into the tasks that it reads.
    """

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges)
        self.alpha = alpha
        self.detach: Detach = checked_detach(detach, ("source",), type(self).__name__)
        self.gates: Alpha | None = None

    def setup(self, wiring: Wiring) -> None:
        """Checks the edges and makes the gates."""
        super().setup(wiring)
        self.gates = Alpha(self.alpha, self.links, "gate")

    def parents(self, task: str) -> tuple[str, ...]:
        """Returns the sources of the edges into a task that are not off."""
        assert self.gates is not None
        return tuple(s for s in super().parents(task) if not self.gates.off((s, task)))

    def held(self, signal: Tensor) -> Tensor:
        """Returns the signal of a source; cut off from its graph if `detach` is set."""
        return signal if self.detach is None else signal.detach()

    def gated(self, edge: Edge, signal: Tensor) -> Tensor:
        """Returns alpha of an edge times a signal."""
        assert self.gates is not None
        return self.gates.value(edge) * signal

    def watched(self) -> dict[str, Watched]:
        """Returns the gates that change; empty if all are fixed."""
        return {} if self.gates is None else self.gates.watched(f"{type(self).__name__}: alpha")
