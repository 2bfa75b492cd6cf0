"""The lines of `events.jsonl` as typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Scores = dict[str, dict[str, float]]  # {task: {metric: value}}, the main metric first


@dataclass(frozen=True)
class Step:
    """One optimizer step; what a balancer does not have is empty.

    A step that was not taken says why in `skipped`; its losses may be None.
    """

    event: Literal["step"]
    step: int
    epoch: int
    lr: float
    seconds: float
    losses: dict[str, float | None]
    gradient_norm: float | None
    skipped: str | None = None
    weights: dict[str, float] = field(default_factory=dict)
    terms: dict[str, tuple[float, float]] = field(default_factory=dict)
    norms: dict[str, float] = field(default_factory=dict)
    cosines: list[tuple[str, str, float]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Losses, metrics, the metrics of the trivial predictor, and label counts, by task."""

    losses: dict[str, float]
    metrics: Scores
    trivial: Scores
    counts: dict[str, float]
    higher_is_better: dict[str, dict[str, bool]] = field(default_factory=dict)

    def direction(self, task: str, metric: str) -> bool | None:
        """Returns whether a higher value is better; None where the event does not say."""
        return self.higher_is_better.get(task, {}).get(metric)


@dataclass(frozen=True, kw_only=True)
class Validation(Evaluated):
    """What the model reached on the validation data after an epoch."""

    event: Literal["evaluation"]
    epoch: int
    step: int
    score: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class FinalTest(Evaluated):
    """What the model reached on the test data after training."""

    event: Literal["test"]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """One title of what was watched: `{row: number}`, or `{row: {column: number}}`.

    Numbers that are not finite are None. The rows of `shares` are parts of one whole.
    """

    shares: bool
    rows: dict[str, float | dict[str, float | None] | None]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the methods recorded of themselves at a step, by title."""

    event: Literal["watched"]
    step: int
    values: dict[str, Numbers]


@dataclass(frozen=True, kw_only=True)
class Warned:
    """Something that is wrong with a method, such as a gate that has collapsed."""

    event: Literal["warning"]
    step: int
    text: str


Event = Step | Validation | FinalTest | Watched | Warned
