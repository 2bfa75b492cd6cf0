"""Histories of the numbers that methods recorded of themselves, one for each title."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from plait.reports.read.series import Series, series
from plait.runs import WatchedValues

RowValues = Mapping[str, float | None]  # by column; a plain number has the column ""


@dataclass(frozen=True)
class History:
    """A table that a method recorded of itself, over the steps.

    Attributes:
        title: such as "MMoE: gates".
        shares: whether a row is shares of one whole.
        events: `(step, {row: values})` in order; a row may be missing at some steps.
    """

    title: str
    shares: bool
    events: list[tuple[int, dict[str, RowValues]]]

    @cached_property
    def last(self) -> dict[str, RowValues]:
        """The last recorded values of each row, `{row: {column: value}}`."""
        found: dict[str, RowValues] = {}
        for _, rows in self.events:
            found |= rows
        return found

    @cached_property
    def columns(self) -> list[str]:
        """Names of all columns; empty where each row is one number."""
        names = dict.fromkeys(column for row in self.last.values() for column in row)
        return [] if list(names) == [""] else list(names)

    def curve(self, row: str, column: str = "") -> Series:
        """Returns the finite values of one cell over the steps."""
        return series(
            self.events,
            lambda event: event[0],
            lambda event: event[1].get(row, {}).get(column),
        )

    def travel(self) -> dict[str, float]:
        """Returns `{row: sum of the changes of its cells, from the first record to the last}`."""
        first: dict[str, RowValues] = {}
        for _, rows in reversed(self.events):
            first |= rows
        return {
            row: math.fsum(
                abs(value - before)
                for column, value in values.items()
                if value is not None and (before := first[row].get(column)) is not None
            )
            for row, values in self.last.items()
        }


def histories(events: list[WatchedValues]) -> list[History]:
    """Returns the history of each title that has a row, in the order of their first appearance."""
    found: dict[str, History] = {}
    for event in events:
        for title, numbers in event.values.items():
            history = found.setdefault(title, History(title, numbers.shares, []))
            rows = {row: _row(value) for row, value in numbers.rows.items()}
            history.events.append((event.step, rows))
    return [history for history in found.values() if history.last]


def _row(value: float | dict[str, float | None] | None) -> RowValues:
    cells = value if isinstance(value, dict) else {"": value}
    return {
        column: None if cell is None or not math.isfinite(cell) else cell
        for column, cell in cells.items()
    }
