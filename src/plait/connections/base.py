"""The bases of the connections: what passes between the tasks' networks, and what is penalised."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from typing import ClassVar, Literal

from torch import Tensor, nn

from plait.connections.edges.alpha import Alpha, AlphaLike
from plait.connections.edges.graph import Edge, edges_of, in_order, written
from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.core.features import Features, FeatureShape
from plait.core.kinds import Kind
from plait.core.outputs import Outputs, Term
from plait.core.watched import Watched

Level = Literal["stage", "input", "features", "prediction", "penalty"]
Detach = Literal["source", "target"] | None
Shape = tuple[int, ...]  # without the batch axis


@dataclass(frozen=True)
class Wiring:
    """What a connection is told of the model when it is set up.

    Attributes:
        tasks: all tasks in order.
        shapes: of each task's stage outputs.
        bodies: of each stage before its activation, where every task has a network of its own.
        ends: the stages of each network that end a block, likewise; the last stage among them.
        networks: `{task: network}`, likewise.
        entries: the stage of each network that maps the input, likewise.
        kinds: what each task's predictions are.
        predictions: `{task: shape}`; complete for penalties, and in `ForwardConnection.check`.
        seed: of new parameters; draw them under ``seeded(seed, "connection", ...)``.
    """

    tasks: tuple[str, ...]
    shapes: Mapping[str, FeatureShape]
    seed: int = 0
    bodies: Mapping[str, FeatureShape] = field(default_factory=dict)
    ends: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    networks: Mapping[str, nn.Module] = field(default_factory=dict)
    entries: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    predictions: Mapping[str, Shape] = field(default_factory=dict)


class Connection(nn.Module, ABC):
    """Connects the tasks' networks along the edges of a graph.

    Args:
        edges: pairs [source, target] of task names; by default the chain in the order of the tasks,
            or every pair in both directions if it is symmetric.

    Attributes:
        level: where it acts.
        symmetric: whether tasks exchange with each other at once, so that cycles are no matter.
        links: the edges as pairs, after `setup`.
    """

    level: Level
    symmetric: ClassVar[bool] = False

    def __init__(self, *, edges: Sequence[Sequence[str]] | None = None) -> None:
        super().__init__()
        self.edges = edges if edges is None else copy.deepcopy(list(edges))
        self.links: tuple[Edge, ...] = ()
        self.tasks: tuple[str, ...] = ()

    def setup(self, wiring: Wiring) -> None:
        """Checks the edges and builds what depends on the tasks and shapes. Is called once.

        Raises:
            ConfigError: an edge names an unknown task, or the edges form a cycle.
            ShapeError: shapes that have to fit and do not.
        """
        self.tasks = wiring.tasks
        self.links = edges_of(self.edges, wiring.tasks, self.default_edges(wiring.tasks))
        if not self.symmetric:
            in_order(wiring.tasks, self.links)

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

    def watched(self) -> dict[str, Watched]:
        """Returns what to log by title, such as coefficients and learned strengths."""
        return {}


class StageConnection(Connection, ABC):
    """Acts between the stages of the tasks' networks, inside `sharing.Separate`.

    For each stage, `add` is asked first for the tasks for which `reads_before` names others; then
    `mix` gets the outputs of the stage. With inputs that differ by task, all networks that a task
    needs read its input.
    """

    level: Level = "stage"

    def setup(self, wiring: Wiring) -> None:
        """Checks the edges, and that what they join has as many stages.

        Raises:
            ShapeError: joined networks have different numbers of stages.
        """
        super().setup(wiring)
        joined = {task: len(wiring.shapes[task].levels) for task in self.joined()}
        if len(set(joined.values())) > 1:
            raise ShapeError(
                f"{type(self).__name__} joins networks stage by stage, which need equal numbers of "
                f"stages; found {joined}. Group them alike: `as_staged(network, cuts=[...])`."
            )

    def add(self, stage: int, task: str, hidden: Mapping[str, Tensor], body: Tensor) -> Tensor:
        """Returns what is added to a stage's value before its activation.

        Args:
            stage: number of the stage, from 1 (the first reads the input).
            task: whose stage it is; `reads_before` is not empty for it.
            hidden: `{task: output of the stage before}` of the task and those that it reads.
            body: the value to which it is added.
        """
        raise NotImplementedError

    def mix(
        self, stage: int, outputs: Mapping[str, Tensor], tasks: Sequence[str]
    ) -> dict[str, Tensor]:
        """Returns the outputs of a stage after the exchange.

        Args:
            stage: number of the stage, from 0.
            outputs: `{task: output}` of the tasks that run this stage: `tasks`, and those that
                these read.
            tasks: whose outputs are wanted.
        """
        return {task: outputs[task] for task in tasks}

    def finish(self, outputs: Mapping[str, Sequence[Tensor]]) -> dict[str, tuple[Tensor, ...]]:
        """Returns the levels that each wanted task reads, from its stage outputs after mixing."""
        return {task: tuple(levels) for task, levels in outputs.items()}

    def reads_before(self, stage: int, task: str) -> tuple[str, ...]:
        """Returns the other tasks whose stage `stage - 1` the `add` of this stage reads."""
        return ()

    def reads_beside(self, stage: int, task: str) -> tuple[str, ...]:
        """Returns the other tasks whose stage `stage` the `mix` of this stage reads."""
        return ()

    def term(self) -> Term | None:
        """Returns a term of the unit's or the networks' parameters, scaled, or None."""
        return None


class ForwardConnection(Connection, ABC):
    """Hands information from task to task, one task after the other in the order of the graph.

    `build` is called for each task in that order and returns the shape that its head is built for,
    and `check` when all heads are there; the other three act in a forward pass. Override what the
    connection does; the rest changes nothing. With inputs that differ by task, all that a task
    reads runs on its input.

    Args:
        edges: as in `Connection`.
        alpha: the gate on the signal; see `Alpha`. With a fixed 0 an edge is not run at all.
        detach: "source" lets no gradient of a task flow back into the tasks that it reads.
    """

    early_weight: float = 0.0  # of the loss of predictions from the features before the exchange

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges)
        if detach not in (None, "source"):
            raise ConfigError(
                f"`detach` of {type(self).__name__} must be None or 'source'; found {detach!r}."
            )
        self.alpha = alpha
        self.detach: Detach = detach
        self.gates: Alpha | None = None

    def setup(self, wiring: Wiring) -> None:
        """Checks the edges and makes the gates."""
        super().setup(wiring)
        self.gates = Alpha(self.alpha, self.links, "gate")

    def parents(self, task: str) -> tuple[str, ...]:
        """Returns the sources of the edges into a task that are not off."""
        assert self.gates is not None
        return tuple(s for s in super().parents(task) if not self.gates.off((s, task)))

    def build(
        self,
        task: str,
        wiring: Wiring,
        shapes: Mapping[str, FeatureShape],
        predictions: Mapping[str, Shape],
    ) -> FeatureShape:
        """Makes the parts of one task; returns the shape of the features that its head will read.

        Args:
            task: the task.
            wiring: as in `setup`.
            shapes: of the task as it stands, and of its parents as their heads read them.
            predictions: of its parents.
        """
        return shapes[task]

    def check(self, wiring: Wiring) -> None:
        """Is told the shapes of all features and predictions, to refuse what does not fit.

        Raises:
            ShapeError, UnsupportedError: what cannot be joined; it says why.
        """

    def entering(self, task: str, predictions: Mapping[str, Tensor], body: Tensor) -> Tensor:
        """Returns what is added to the first value in a task's network, at level "input".

        Args:
            task: a task that has parents.
            predictions: of its parents, as they are handed out.
            body: that value: of the stage that maps the input, before its activation.
        """
        raise NotImplementedError

    def features(
        self,
        task: str,
        raw: Mapping[str, Features],
        done: Mapping[str, Features],
        predictions: Mapping[str, Tensor],
    ) -> Features:
        """Returns the features that the task's head reads.

        Args:
            task: the task.
            raw: `{task: Features}` as the sharing gives them (after earlier connections of the
                list): of the task, of its parents, and of all tasks if the connection is symmetric.
            done: of its parents, as their heads read them.
            predictions: of its parents, as they are handed out.
        """
        return raw[task]

    def prediction(self, task: str, raw: Mapping[str, Tensor]) -> Tensor:
        """Returns the prediction that is handed out.

        Args:
            task: the task.
            raw: what the heads give: of the task and of all tasks before it in the graph.
        """
        return raw[task]

    def watched(self) -> dict[str, Watched]:
        """Returns the gates that change."""
        return {} if self.gates is None else self.gates.watched(f"{type(self).__name__}: alpha")


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

    Attributes:
        reads_outputs: whether C is of a batch's outputs; otherwise it is of the parameters, and
            counted once in a step.
    """

    level: Level = "penalty"
    reads_outputs: ClassVar[bool] = True

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges)
        if detach not in (None, "source", "target"):
            raise ConfigError(f"`detach` must be None, 'source' or 'target'; found {detach!r}.")
        self.alpha = alpha
        self.detach: Detach = detach
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
        """Returns the weights that change."""
        found = self.weights
        return {} if found is None else found.watched(f"{type(self).__name__}: alpha")
