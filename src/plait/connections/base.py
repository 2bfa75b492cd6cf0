"""The base of all connections: pairs of tasks, and what passes or is compared along them."""

from __future__ import annotations

import copy
from abc import ABC
from collections.abc import Collection, Sequence
from itertools import pairwise, permutations
from typing import ClassVar, Literal

from torch import nn

from plait.connections.edges.graph import Edge, edges_of, in_order
from plait.connections.edges.wiring import Wiring
from plait.core.arguments import Checked
from plait.core.errors import ConfigError
from plait.core.kinds import Kind
from plait.core.outputs import Outputs, Term
from plait.core.watched import Watched

Detach = Literal["source", "target"] | None


class Connection(Checked, nn.Module, ABC):
    """Connects the tasks' networks along the edges of a graph.

    Where it acts is said by its base: `StageConnection`, `ForwardConnection`, `PenaltyConnection`.

    Args:
        edges: pairs [source, target] of task names; by default the chain in the order of the tasks,
            or every pair in both directions if it is symmetric.

    Attributes:
        symmetric: whether tasks exchange with each other at once, so that cycles do not matter.
        reads_outputs: whether its terms are of a batch's outputs; otherwise they are of the
            parameters, and counted once in a step.
        tasks: names of all tasks; empty before `setup`.
        links: the edges as pairs (source, target); empty before `setup`.
        kinds: `{task: what its predictions are}`; empty before `setup`.
        channel_dims: `{task: axis of the channels of its features}`, 1 or -1; empty before `setup`.
    """

    symmetric: ClassVar[bool] = False
    reads_outputs: ClassVar[bool] = False

    def __init__(self, *, edges: Sequence[Sequence[str]] | None = None) -> None:
        super().__init__()
        self.edges = edges if edges is None else copy.deepcopy(list(edges))
        self.links: tuple[Edge, ...] = ()
        self.tasks: tuple[str, ...] = ()
        self.kinds: dict[str, Kind] = {}
        self.channel_dims: dict[str, int] = {}

    def setup(self, wiring: Wiring) -> None:
        """Checks the edges and builds what depends on the tasks and shapes; called once.

        Raises:
            ConfigError: an edge names an unknown task, or the edges form a cycle.
            ShapeError: shapes that have to fit and do not.
        """
        self.tasks = wiring.tasks
        self.links = edges_of(self.edges, wiring.tasks, self.default_edges(wiring.tasks))
        if not self.symmetric:
            in_order(wiring.tasks, self.links)
        self.kinds = {task: wiring.kinds.get(task, Kind()) for task in wiring.tasks}
        self.channel_dims = {task: shape.channel_dim for task, shape in wiring.shapes.items()}

    def default_edges(self, tasks: Sequence[str]) -> tuple[Edge, ...]:
        """Returns the edges where none are given."""
        return tuple(permutations(tasks, 2) if self.symmetric else pairwise(tasks))

    def parents(self, task: str) -> tuple[str, ...]:
        """Returns the sources of the edges into a task, in the order of the tasks."""
        sources = {source for source, target in self.links if target == task}
        return tuple(task for task in self.tasks if task in sources)

    def joined(self) -> list[str]:
        """Returns the tasks on edges, in the order of the tasks."""
        return [task for task in self.tasks if any(task in edge for edge in self.links)]

    def terms(self, outputs: Outputs) -> dict[str, Term]:
        """Returns its terms of the objective by name, each beginning with the class's name.

        Args:
            outputs: of a batch; empty unless `reads_outputs` is true.
        """
        return {}

    def watched(self) -> dict[str, Watched]:
        """Returns `{title: table}` to log, such as coefficients and learned strengths."""
        return {}


def checked_detach(detach: Detach, sides: Collection[str], method: str) -> Detach:
    """Returns `detach`; raises `ConfigError` if it is neither None nor one of the sides."""
    if detach is not None and detach not in sides:
        *others, last = ["None", *map(repr, sides)]
        raise ConfigError(
            f"`detach` of {method} must be {', '.join(others)} or {last}; found {detach!r}."
        )
    return detach
