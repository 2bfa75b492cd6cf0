"""The steps of a log by the names of their tasks, put together without plait's reader."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

BY_TASK = ("losses", "weights", "norms", "shares")
Line = dict[str, Any]


def lines_of(folder: Path) -> list[Line]:
    """The lines of a log but those of names; the rows of its steps by name, as in `by_name`."""
    text = (folder / "events.jsonl").read_text()
    return by_name(json.loads(line) for line in text.splitlines())


def by_name(lines: Iterable[Line]) -> list[Line]:
    """Steps with `{task: number}` of the tasks that have one, and `[task, other, cosine]`."""
    names: list[str] = []
    found = []
    for line in lines:
        if line["event"] == "tasks":
            names = line["names"]
            continue
        if line["event"] == "step":
            there = {n: x for n, x in zip(names, line["losses"], strict=True) if x is not None}
            rows = {key: _named(line[key], names, there) for key in BY_TASK if key in line}
            line = {**line, **rows}
            if "cosines" in line:
                pairs = zip(combinations(names, 2), line["cosines"], strict=True)
                line["cosines"] = [[*pair, cosine] for pair, cosine in pairs if cosine is not None]
        found.append(line)
    return found


def _named(row: list[float | None] | float, names: list[str], there: Iterable[str]) -> Line:
    if not isinstance(row, list):
        return dict.fromkeys(there, row)
    return {name: x for name, x in zip(names, row, strict=True) if x is not None}


def by_row(lines: Iterable[Line]) -> list[Line]:
    """The other way: the names that the steps of such lines have, then the lines with rows."""
    lines = list(lines)
    steps = [line for line in lines if line["event"] == "step"]
    names = list(dict.fromkeys(name for line in steps for name in line["losses"]))
    found: list[Line] = [{"event": "tasks", "names": names}] if steps else []
    for line in lines:
        if line["event"] == "step":
            rows: Line = {key: _row(line[key], names) for key in BY_TASK if key in line}
            if line.get("cosines"):
                known = {(first, second): x for first, second, x in line["cosines"]}
                rows["cosines"] = [known.get(pair) for pair in combinations(names, 2)]
            line = {**line, **rows}
        found.append(line)
    return found


def _row(values: Line, names: list[str]) -> list[float | None]:
    return [values.get(name) for name in names] if values else []
