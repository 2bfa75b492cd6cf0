"""The networks of a member, trained from each seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.experiments.comparison.member import Member
from plait.runs.comparison_member import ALL
from plait.runs.events import Scores
from plait.runs.resamples import Resamples
from plait.runs.result import RunResult


@dataclass(frozen=True)
class Trained:
    """One network from one seed.

    Attributes:
        result: what it came to; None if it failed.
        folder: of its run; None where it has none.
        failed: why it has no result.
        resamples: its metrics on resamples of the test part; None where they were not taken.
    """

    result: RunResult | None
    folder: Path | None = None
    failed: str = ""
    resamples: Resamples | None = None


@dataclass(frozen=True)
class MemberRuns:
    """All networks of a member.

    Attributes:
        member: what it is.
        networks: `{task: its network of each seed}`, or one list under "" for all tasks.
        tuned: settings that were chosen on the validation split.
        trials: how many there were to choose from.
    """

    member: Member
    networks: Mapping[str, list[Trained]]
    tuned: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 0

    def test(self, place: int) -> Scores:
        """Test metrics of a seed, of all networks that have some, `{task: {metric: value}}`."""
        return self._joined(place, "test")

    def validation(self, place: int) -> Scores:
        """Validation metrics likewise."""
        return self._joined(place, "validation")

    def failed(self, place: int) -> str:
        """Says why a seed has no numbers, or not all; "" if it has."""
        named = {task: runs[place].failed for task, runs in self.networks.items()}
        told = [f"{task}: {text}" if task else text for task, text in named.items() if text]
        return "; ".join(told)

    def resamples(self, place: int, task: str) -> Resamples | None:
        """The metrics on resamples of the test part, of the network of a task from a seed."""
        found = self.networks.get(task) or self.networks.get(ALL)
        return found[place].resamples if found else None

    def _joined(self, place: int, split: str) -> Scores:
        found: Scores = {}
        for runs in self.networks.values():
            result = runs[place].result
            if result is not None:
                found |= result.test.metrics if split == "test" else result.validation
        return found
