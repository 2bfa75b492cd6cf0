"""One encoder for each task."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import nn

from plait.core.errors import ConfigError
from plait.core.features import Features
from plait.core.keys import safe_key
from plait.encoders import copy_of, encode, infer_shape
from plait.encoders.copies import Copies, EncoderLike
from plait.sharing.base import Sharing, input_of


class Separate(Sharing):
    """One network for each task: nothing is shared. The ground of families 2 and 3.

        z_t = f_t(x),    y_t = h_t(z_t)

    Args:
        encoder: any module, or a factory of one. It is copied for each task and not used itself.
        copies: "clone" starts all tasks from the same weights, which coupling them element by
            element needs (networks that start apart differ by permutations of their units); "reset"
            draws new weights for each task, from (seed, name of the task).

    Cost: one pass of an encoder for each wanted task.
    """

    def __init__(self, encoder: EncoderLike, *, copies: Copies = "clone") -> None:
        super().__init__()
        self.copies = copies
        self.encoders = nn.ModuleDict()
        self._source = [encoder]  # in a list: the source is no part of this module

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Makes the copies and finds the shapes of their features.

        Raises:
            ConfigError: it was set up before.
        """
        if not self._source:
            raise ConfigError(
                "Separate was set up before, and its encoders belong to that model. "
                "Make a new Separate for another one."
            )
        source = self._source.pop()
        self.tasks = tuple(tasks)
        for task in tasks:
            encoder = copy_of(source, self.copies, seed, task)
            self.encoders[safe_key(task)] = encoder
            self.shapes[task] = infer_shape(encoder, input_of(task, example))

    def forward(self, inputs: Any, tasks: Collection[str] | None = None) -> dict[str, Features]:
        """Returns each wanted task's features from its own encoder."""
        networks = self.networks()
        return {
            task: encode(networks[task], input_of(task, inputs)) for task in self._wanted(tasks)
        }

    def prototype(self) -> nn.Module:
        """Returns the first task's encoder."""
        return self.encoders[safe_key(self.tasks[0])]

    def networks(self) -> Mapping[str, nn.Module]:
        """Returns `{task: encoder}`."""
        return {task: self.encoders[safe_key(task)] for task in self.tasks}
