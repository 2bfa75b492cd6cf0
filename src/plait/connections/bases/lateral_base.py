"""The base of lateral connections, which read other tasks' columns stage by stage."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from plait.connections.base import Detach
from plait.connections.bases.gated import Gated
from plait.connections.bases.stage import StageConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.wiring import Wiring
from plait.connections.signals.channel_map import onto
from plait.core.errors import ConfigError
from plait.core.keys import unit_key
from plait.core.seeding import seeded

Values = Mapping[str, Tensor]  # by source


class Laterals(Gated, StageConnection):
    """Adds mapped outputs of other tasks' stages to a task's stages, before their activation.

    Args:
        edges: as in `Connection`.
        alpha: the gate on each edge; see `Alpha`. With a fixed 0 an edge is not run at all.
        detach: "source" lets no gradient of a task flow back into the tasks that it reads.
        heads: whether something is added to what the head reads as well.

    Attributes:
        starts: `{task: indices of the stages to which something is added}`: all that begin a block,
            but the first; empty before `setup`, and for tasks that read no other.
        last: index of the last stage; 0 before `setup`.
    """

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
        heads: bool = True,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)
        self.heads = heads
        self.units = nn.ModuleDict()
        self.starts: dict[str, tuple[int, ...]] = {}
        self.last = 0

    def setup(self, wiring: Wiring) -> None:
        """Makes the gates and the maps.

        Raises:
            ConfigError: there is no place to add anything.
        """
        super().setup(wiring)
        for task in filter(self.parents, self.tasks):
            self.last = len(wiring.shapes[task].levels) - 1
            self.starts[task] = tuple(end + 1 for end in wiring.ends[task] if end < self.last)
            for stage in self.starts[task]:
                channels = wiring.bodies[task].channels(stage)
                self._build(task, stage, channels, stage - 1, wiring)
            if self.heads:
                channels = wiring.shapes[task].channels()
                self._build(task, self.last + 1, channels, self.last, wiring)
            if not self.starts[task] and not self.heads:
                raise ConfigError(
                    f"the network of task {task!r} is one block, and {type(self).__name__} adds "
                    "nothing to the first. Name its stages with `as_staged`, or set `heads: true`."
                )

    @abstractmethod
    def unit(self, fan_in: Mapping[str, int], fan_out: int, channel_dim: int) -> nn.Module:
        """Makes the module that maps `{source: value}` to the value that is added.

        Args:
            fan_in: channels of each source.
            fan_out: channels of what is added to.
            channel_dim: the axis of all channels.
        """

    def reads_before(self, stage: int, task: str) -> tuple[str, ...]:
        """Returns the sources of a task, for the stages that begin a block."""
        return self.parents(task) if stage in self.starts.get(task, ()) else ()

    def reads_beside(self, stage: int, task: str) -> tuple[str, ...]:
        """Returns the sources of a task after the last stage, if the head reads them."""
        return self.parents(task) if self.heads and stage == self.last else ()

    def add(self, stage: int, task: str, hidden: Mapping[str, Tensor], body: Tensor) -> Tensor:
        """Returns the sum of the sources' gated outputs of the stage before, shaped like `body`."""
        return self._lateral(stage, task, hidden, body)

    def mix(
        self, stage: int, outputs: Mapping[str, Tensor], tasks: Sequence[str]
    ) -> dict[str, Tensor]:
        """Adds the mapped last outputs of the sources to a task's own."""
        found = {task: outputs[task] for task in tasks}
        for task, own in found.items():
            if self.reads_beside(stage, task):
                found[task] = own + self._lateral(stage + 1, task, outputs, own)
        return found

    def _lateral(
        self, place: int, task: str, outputs: Mapping[str, Tensor], like: Tensor
    ) -> Tensor:
        """Returns the addend of one unit; `place` is a stage's number, or one past the last."""
        values: dict[str, Tensor] = {}
        for source in self.parents(task):
            value = self.held(outputs[source])
            laid = onto(value, self.channel_dims[source], like, self.channel_dims[task])
            values[source] = self.gated((source, task), laid)
        added: Tensor = self.units[unit_key(place, task)](values)
        return added

    def _build(self, task: str, place: int, fan_out: int, read: int, wiring: Wiring) -> None:
        """Makes the unit of one place.

        Args:
            task: to which it adds.
            place: number of the stage, or one more than that of the last.
            fan_out: channels of what it adds to.
            read: the stage of the sources that is read.
            wiring: of the model.
        """
        fan_in = {source: wiring.shapes[source].channels(read) for source in self.parents(task)}
        with seeded(wiring.seed, "connection", type(self).__name__, place, task):
            unit = self.unit(fan_in, fan_out, self.channel_dims[task])
        self.units[unit_key(place, task)] = unit
