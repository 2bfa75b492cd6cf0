"""The connections of a model, sorted once: by where they act, and the tasks by who reads whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from plait.connections import (
    Connection,
    ForwardConnection,
    PenaltyConnection,
    StageConnection,
)
from plait.connections.edges.graph import Edge, in_order
from plait.core.errors import UnsupportedError
from plait.sharing import Separate, Sharing


class Connections:
    """A model's connections by where they act, and the graph of its tasks that they form.

    Args:
        connections: in the order in which they act.
        tasks: names of the tasks.

    Attributes:
        all: every connection, in the order in which they act; so are the lists below.
        stage: those between the stages of the tasks' networks.
        forward: those that hand features or predictions from task to task.
        entering: those of `forward` that add to the first value in a task's network.
        penalties: those that add costs to the objective.
        tasks: names of the tasks, in order.
        order: names of the tasks, every one after those that it reads; as `tasks` before `sort`.

    Raises:
        UnsupportedError: a connection of none of the three bases.
    """

    def __init__(self, connections: Sequence[Connection], tasks: Sequence[str]) -> None:
        self.all = tuple(connections)
        self.stage = tuple(each for each in self.all if isinstance(each, StageConnection))
        self.forward = tuple(each for each in self.all if isinstance(each, ForwardConnection))
        self.entering = tuple(each for each in self.forward if each.enters_input)
        self.penalties = tuple(each for each in self.all if isinstance(each, PenaltyConnection))
        self.tasks = tuple(tasks)
        self.order = tuple(tasks)
        placed = {*self.stage, *self.forward, *self.penalties}
        for each in self.all:
            if each not in placed:
                raise UnsupportedError(
                    f"{type(each).__name__} does not say where it acts. Derive it from "
                    "StageConnection, ForwardConnection or PenaltyConnection."
                )

    def sort(self) -> None:
        """Puts the tasks in the order in which they run, once the connections are set up.

        Raises:
            ConfigError: the edges of all forward connections together form a cycle.
        """
        links = [link for each in self.forward if not each.symmetric for link in each.links]
        self.order = tuple(in_order(list(self.tasks), links))

    def check(self, sharing: Sharing) -> None:
        """Raises `UnsupportedError` for connections that do not fit the sharing or each other."""
        stage, entering = (_last_name(each) for each in (self.stage, self.entering))
        for name in filter(None, (stage, entering)):
            if not isinstance(sharing, Separate):
                raise UnsupportedError(
                    f"{name} connects the stages of one network per task; "
                    f"{type(sharing).__name__} shares them. Use sharing.Separate."
                )
        if stage and entering:
            raise UnsupportedError(
                f"{entering} makes a task wait for the prediction of another, and {stage} mixes "
                "the stages of both at once. Use one of the two, or let the first act at the "
                "features."
            )
        for position, each in enumerate(self.forward):
            if each.symmetric and entering:
                raise UnsupportedError(
                    f"{entering} makes a task wait for the prediction of another, and "
                    f"{type(each).__name__} reads the features of all tasks at once. Use one of "
                    "the two, or let the first act at the features."
                )
            if each.symmetric and position > 0:
                raise UnsupportedError(
                    f"{type(each).__name__} reads the features of all tasks at once, before any of "
                    "them has a prediction. Name it before the other connections."
                )

    def comparing(self) -> list[PenaltyConnection]:
        """Returns the penalties that read what tasks make of one input, which is in training."""
        return [
            each for each in self.penalties if each.reads_outputs and each.training and each.active
        ]

    def compared(self, wanted: Collection[str]) -> list[str]:
        """Returns the wanted tasks and those that a penalty compares with one of them, in order."""
        edges = [edge for each in self.comparing() for edge in each.active]
        near = {task for edge in edges for task in edge if set(edge) & set(wanted)}
        return [task for task in self.tasks if task in near or task in wanted]

    def needed(self, wanted: Collection[str]) -> list[str]:
        """Returns the wanted tasks and all whose predictions or final features they read.

        They come in the order in which they run.
        """
        needed = set(wanted)
        for task in reversed(self.order):
            if task in needed:
                for each in self.forward:
                    needed.update(() if each.symmetric else each.parents(task))
        return [task for task in self.order if task in needed]

    def read(self, wanted: Collection[str]) -> list[str]:
        """Returns the tasks whose features are read: those needed, and who exchanges with them."""
        needed = self.needed(wanted)
        read = set(needed)
        for each in self.forward:
            if each.symmetric:
                read.update(*map(each.parents, needed))
        return [task for task in self.order if task in read]

    def read_inputs(self, connection: Connection) -> list[Edge]:
        """Returns pairs (task, other): a connection runs the task's network on the other's input.

        That is where the inputs differ by task.
        """
        if connection in self.forward:
            return [(source, task) for task in self.tasks for source in connection.parents(task)]
        if isinstance(connection, PenaltyConnection) and connection.reads_outputs:
            return [pair for edge in connection.active for pair in (edge, edge[::-1])]
        return []

    def label(self, connection: Connection) -> str:
        """Returns the name of a connection in the log: its class, told apart from its twins.

        A term of parameters of a stage connection always has its position.
        """
        name = type(connection).__name__
        twins = [type(each).__name__ for each in self.all].count(name) > 1
        return (
            f"{name}[{self.all.index(connection)}]" if twins or connection in self.stage else name
        )


def _last_name(connections: Sequence[Connection]) -> str:
    return type(connections[-1]).__name__ if connections else ""
