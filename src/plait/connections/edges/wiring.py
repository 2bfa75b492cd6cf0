"""The facts of the model that a connection needs to set itself up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import nn

from plait.core.features import FeatureShape
from plait.core.kinds import Kind

Shape = tuple[int, ...]  # without the batch axis


@dataclass(frozen=True)
class Wiring:
    """The tasks, the shapes of their features and predictions, and their networks.

    Attributes:
        tasks: names of all tasks, in order.
        shapes: `{task: FeatureShape}`, the shapes of the stage outputs.
        seed: of new parameters; draw them under ``seeded(seed, "connection", ...)``.
        bodies: `{task: FeatureShape}`, the shapes of each stage's value before its activation;
            empty unless every task has its own network and something acts inside of it.
        ends: `{task: indices of the stages that end a block}`, the last stage among them; empty as
            `bodies` is.
        networks: `{task: network}`; empty unless every task has its own network.
        entries: `{task: index of the first stage with weights}`; empty as `bodies` is.
        kinds: `{task: Kind}`, what each task's predictions are; a task that does not say is left
            out.
        predictions: `{task: shape}`, without the batch axis; empty in `ForwardConnection.setup`,
            complete in its `check` and for penalties.
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
