"""One encoder for all tasks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from torch import nn

from plait.core.outputs import TaskFeatures
from plait.core.structure import PerTask
from plait.encoders import EncoderLike, encode, infer_shape, instance
from plait.sharing.base import Sharing, input_of


class Hard(Sharing):
    """Hard parameter sharing: one encoder, one head for each task.

        z = f(x),    y_t = h_t(z)

    Args:
        encoder: any module, or a factory of one. It is used, not copied.

    Cost: one pass of the encoder, whatever the number of tasks; with `PerTask` inputs one pass
        each.

    Reference: Caruana, "Multitask Learning", Machine Learning 28, 1997.
    """

    def __init__(self, encoder: EncoderLike) -> None:
        super().__init__()
        self.encoder = instance(encoder)

    def setup(self, tasks: Sequence[str], example: Any, seed: int = 0) -> None:
        """Finds the shapes of the features."""
        self.tasks = tuple(tasks)
        self.shapes = {task: infer_shape(self.encoder, input_of(task, example)) for task in tasks}

    def forward(self, inputs: Any, tasks: Collection[str] | None = None) -> TaskFeatures:
        """Returns the same features for every wanted task."""
        wanted = self._wanted(tasks)
        if isinstance(inputs, PerTask):
            return TaskFeatures(
                {task: encode(self.encoder, input_of(task, inputs)) for task in wanted}
            )
        return TaskFeatures(dict.fromkeys(wanted, encode(self.encoder, inputs)))

    def prototype(self) -> nn.Module:
        """Returns the encoder."""
        return self.encoder

    def encoder_of(self, task: str) -> nn.Module:
        """Returns the encoder."""
        return self.encoder
