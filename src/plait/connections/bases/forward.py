"""Connections that hand features or predictions from task to task."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping

from torch import Tensor

from plait.connections.bases.gated import Gated
from plait.connections.edges.wiring import Shape, Wiring
from plait.core.features import Features, FeatureShape


class ForwardConnection(Gated, ABC):
    """Hands information from task to task, one task after the other in the order of the graph.

    `build` is called for each task in that order and returns the shape that its head is built for,
    and `check` when all heads are there; the other three act in a forward pass. Override what the
    connection does; the rest changes nothing. With inputs that differ by task, all that a task
    reads runs on its input.

    Attributes:
        enters_input: whether it adds to the first value in a task's network, by `entering`, so that
            the network waits for the predictions of the task's parents.
        early_weight: weight of the loss of predictions from the features before the exchange; 0
            makes none.
    """

    enters_input: bool = False
    early_weight: float = 0.0

    def build(
        self,
        task: str,
        wiring: Wiring,
        shapes: Mapping[str, FeatureShape],
        predictions: Mapping[str, Shape],
    ) -> FeatureShape:
        """Makes what serves one task; returns the shape of the features that its head will read.

        Args:
            task: the task.
            wiring: as in `setup`.
            shapes: of the task as it stands, and of its parents as their heads read them.
            predictions: `{task: shape}` of its parents, without the batch axis.
        """
        return shapes[task]

    def check(self, wiring: Wiring) -> None:
        """Raises for features or predictions that it cannot join; called when all heads are there.

        Raises:
            ShapeError, UnsupportedError: it says what does not fit, and why.
        """

    def entering(self, task: str, predictions: Mapping[str, Tensor], body: Tensor) -> Tensor:
        """Returns the addend for the first value in a task's network; only if it `enters_input`.

        Args:
            task: a task that has parents.
            predictions: of its parents, as they are handed out.
            body: that value: of the first stage with weights, before its activation.
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
