"""`advice.json`: what to train, in plain words, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from plait.core.typed_json import read_typed_if_there, write_typed
from plait.runs.folder import ADVICE


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A member that the diagnosis speaks for.

    Attributes:
        name: of the member.
        title: in full.
        reason: what speaks for it.
        settings: laid on those of the comparison.
        epochs: that its trial was trained for; 0 if there was no time.
        score: of its best epoch on the validation split, by the rule; NaN without one.
        outcome: what became of it: "final", "dropped after 3 epochs", "failed: ...", "not tried".
    """

    name: str
    title: str
    reason: str
    settings: dict[str, Any] = field(default_factory=dict)
    epochs: int = 0
    score: float
    outcome: str


@dataclass(frozen=True, kw_only=True)
class Advice:
    """A recommendation of one way to train all tasks, and what it rests on.

    Attributes:
        action: "joint": one network, or networks that share or are connected; "grouped": some tasks
            together, others apart; "separate": a network for each; "cheaper": no measurable
            difference, so that the smaller one is advised.
        headline: the advice in a sentence or two, with numbers.
        sentences: what else is to be known: tasks that get worse, what could not be told apart.
        member: the name of the member that is advised; "single" for separate networks.
        config: the file of settings that trains it, relative to the folder; "" for separate ones,
            which have a file each in their run folders.
        models: `{task: run folder}` of its trained networks of the first seed, or one under "" for
            all tasks.
        reasons: what the diagnosis says.
        candidates: what was considered.
        not_tried: what was not, and why.
        minutes: `{stage: what it took}`.
        budget: minutes that were given.
    """

    action: Literal["joint", "grouped", "separate", "cheaper"]
    headline: str
    sentences: list[str]
    member: str
    config: str
    models: dict[str, str]
    reasons: list[str]
    candidates: list[Candidate]
    not_tried: list[str]
    minutes: dict[str, float]
    budget: float


def write_advice(folder: Path, advice: Advice) -> None:
    """Writes `advice.json` into the folder of an advice, atomically."""
    write_typed(folder / ADVICE, advice)


def read_advice(folder: Path) -> Advice | None:
    """Reads `advice.json`; returns None if the folder has none.

    Raises:
        DataError: the file is damaged.
    """
    return read_typed_if_there(Advice, folder / ADVICE, hint="Ask for it again.")
