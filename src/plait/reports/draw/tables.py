"""Tables of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MOST_ROWS = 200  # of a table that could have one for each pair of tasks


@dataclass(frozen=True)
class Table:
    """Text in rows; the first cell of a row names it.

    Attributes:
        head: the columns' titles.
        rows: the cells.
        caption: what the table shows, for those who do not see its place on the page.
        words: how many of the first columns are words, and not numbers.
    """

    head: list[str]
    rows: list[list[str]]
    caption: str
    words: int = 1


def settings_table(values: Mapping[str, Any], caption: str) -> Table:
    """Returns a nested mapping as one row for each value, named by its path."""
    return Table(["Setting", "Value"], [list(pair) for pair in flat(values, "")], caption)


def flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yields `(path, value)` of each leaf; a list of plain values is one leaf."""
    nested = isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif nested:
        for index, item in enumerate(value):
            yield from flat(item, f"{path}[{index}]")
    elif isinstance(value, list):
        yield path, ", ".join(_plain(item) for item in value) or "(none)"
    else:
        yield path, _plain(value)


def _plain(value: Any) -> str:
    """Returns a scalar as it is written in YAML."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
