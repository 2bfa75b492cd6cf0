"""The reason why a row of a comparison has no numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NoRow:
    """A baseline that this problem, or these networks, cannot have.

    Attributes:
        reason: as a sentence for the report.
    """

    reason: str
