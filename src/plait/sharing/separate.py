"""One encoder for each task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import nn

from plait.connections import StageConnection
from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.core.outputs import TaskFeatures
from plait.core.structure import passes_of
from plait.networks import Copies, EncoderLike, copy_of, encode, infer_shape
from plait.networks.halves import Shift
from plait.sharing.base import Sharing
from plait.sharing.stages.columns import run_columns


class Separate(Sharing):
    """One network for each task: nothing is shared. The ground of families 2 and 3.

        z_t = f_t(x),    y_t = h_t(z_t)

    Args:
        encoder: any module, or a factory of one. It is copied for each task and not used itself. Or
            `{task: encoder}`, where the tasks' networks differ or were trained before; what couples
            stages or parameters then needs those to have one shape.
        copies: "clone" starts all tasks from the same weights, which coupling them element by
            element needs (networks that start apart differ by permutations of their units); "reset"
            draws new weights for each task, from (seed, name of the task).

    Cost: one pass of an encoder for each wanted task. Where stages are connected, also what the
        wanted tasks read of the others; with inputs that differ by task, that for each of them.
    """

    def __init__(
        self, encoder: EncoderLike | Mapping[str, EncoderLike], *, copies: Copies = "clone"
    ) -> None:
        super().__init__()
        self.copies = copies
        self.encoders = nn.ModuleDict()
        self._source = [encoder]

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the copies and finds the shapes of their features.

        Raises:
            ConfigError: it was set up before, or a task has no encoder.
        """
        source = self._take_source()
        self.tasks = tuple(tasks)
        for task in tasks:
            encoder = copy_of(self._own(source, task), self.copies, seed, task)
            self.encoders[safe_key(task)] = encoder
        alike = isinstance(source, nn.Module)
        for inputs, readers in passes_of(example, tasks):
            for together in [readers] if alike else [[task] for task in readers]:
                shape = infer_shape(self.encoder_of(together[0]), inputs)
                self.shapes |= dict.fromkeys(together, shape)

    def _own(self, source: Any, task: str) -> EncoderLike:
        """Returns the encoder of which a task gets a copy."""
        if not isinstance(source, Mapping):
            found: EncoderLike = source
            return found
        if task not in source:
            raise ConfigError(f"task {task!r} has no encoder; found those of {', '.join(source)}.")
        own: EncoderLike = source[task]
        return own

    def run(self, inputs: Any, tasks: Sequence[str]) -> TaskFeatures:
        """Runs each wanted task's own encoder."""
        return TaskFeatures({task: encode(self.encoder_of(task), inputs) for task in tasks})

    def connected(
        self,
        inputs: Any,
        tasks: Collection[str] | None,
        connections: Sequence[StageConnection],
        entering: Mapping[str, Shift],
    ) -> TaskFeatures:
        """Runs the networks of the wanted tasks, with connections between their stages.

        Args:
            inputs: one common input, or `PerTask({task: inputs})`; in the latter case all networks
                that a task needs run on that task's input.
            tasks: the tasks that are wanted; all by default.
            connections: act between the stages.
            entering: `{task: from the first value in its network to what is added to it}`.
        """
        networks, found = self.networks(), TaskFeatures({})
        for own, together in passes_of(inputs, self._wanted(tasks)):
            found |= run_columns(networks, own, together, connections, entering)
        return found

    def prototype(self) -> nn.Module:
        """Returns the first task's encoder."""
        return self.encoders[safe_key(self.tasks[0])]

    def networks(self) -> Mapping[str, nn.Module]:
        """Returns `{task: encoder}`."""
        return {task: self.encoders[safe_key(task)] for task in self.tasks}

    def encoder_of(self, task: str) -> nn.Module:
        """Returns the task's own encoder."""
        return self.encoders[safe_key(task)]
