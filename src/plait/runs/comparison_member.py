"""A member of a comparison: what it is, what it cost, and what it came to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["single", "joint", "merged", "classical"]
SeedScores = dict[str, dict[str, list[float]]]  # {task: {metric: a value per seed}}

ALL = ""  # the network of all tasks, and what is said of all tasks together


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network of a member; lists have one entry per seed.

    Attributes:
        folders: its run folders, relative to the comparison's; "" where it has none.
        seconds: of training and validation.
        step_seconds: of a training step on average; NaN where there are none.
        memory: the most that the process had while training, in bytes; NaN where it is not known.
        parameters: how many it has.
        size: of its saved weights, in bytes.
    """

    folders: list[str]
    seconds: list[float]
    step_seconds: list[float]
    memory: list[float]
    parameters: int
    size: int


@dataclass(frozen=True, kw_only=True)
class MemberResult:
    """A member: what it is, and what it came to. Lists have one entry per seed, NaN if it failed.

    Attributes:
        name: short and unique, such as "shared".
        title: in full, such as "Shared parameters: Hard".
        formula: what it minimises; empty where the title says enough.
        kind: "single": a network for each task; "joint": one of all; "merged": the networks of the
            tasks, merged; "classical": a model of scikit-learn for each task.
        settings: laid on those of the comparison.
        networks: `{task: its network}`, or one under "" for all tasks.
        test: `{task: {metric: values}}` on the test split.
        validation: the same on the validation split.
        gains: `{task: {metric: gain on the test split over the baseline of the same seed, in per
            cent}}`; positive is better whatever the direction. NaN where it cannot be said.
        delta_m: mean gain over the tasks.
        failed: why it has no numbers; "" where it has.
        tuned: settings that were chosen on the validation split; empty without tuning.
        trials: how many there were to choose from.
    """

    name: str
    title: str
    formula: str = ""
    kind: Kind = "joint"
    settings: dict[str, Any] = field(default_factory=dict)
    networks: dict[str, Network]
    test: SeedScores
    validation: SeedScores
    gains: SeedScores
    delta_m: list[float]
    failed: list[str]
    tuned: dict[str, Any] = field(default_factory=dict)
    trials: int = 0

    @property
    def folders(self) -> list[str]:
        """The run folders of a joint network; empty for other kinds, and where it has none."""
        known = self.networks[ALL].folders if self.is_one and self.kind == "joint" else []
        return [name for name in known if name]

    @property
    def is_one(self) -> bool:
        """Whether it is one network of all tasks."""
        return ALL in self.networks

    @property
    def seconds(self) -> list[float]:
        """Training time per seed, of all its networks together."""
        return [math.fsum(each) for each in self._each("seconds")]

    @property
    def step_seconds(self) -> list[float]:
        """Time of a step of each of its networks, together, per seed."""
        return [math.fsum(each) for each in self._each("step_seconds")]

    @property
    def memory(self) -> list[float]:
        """The most memory per seed that the training of one of its networks had."""
        return [
            math.nan if any(map(math.isnan, each)) else max(each) for each in self._each("memory")
        ]

    @property
    def parameters(self) -> int:
        """Number of parameters of all its networks together."""
        return sum(network.parameters for network in self.networks.values())

    @property
    def size(self) -> int:
        """Bytes of the saved weights of all its networks together."""
        return sum(network.size for network in self.networks.values())

    def _each(self, name: str) -> Iterator[tuple[float, ...]]:
        return zip(*(getattr(each, name) for each in self.networks.values()), strict=True)
