"""The figures of known data sets, one after the other, as a table in Markdown."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Measure = Callable[[str, Path, Path, Mapping[str, Any]], Mapping[str, Any]]


def print_figures(
    words: Sequence[str] | None,
    *,
    about: str | None,
    names: Sequence[str],
    header: Sequence[str],
    measure: Measure,
    lines: Callable[[Mapping[str, Any]], list[str]],
) -> int:
    """Prints the table; the figures of each data set are kept in a file of their own.

    Args:
        words: of the command line; those of the process by default.
        about: what the command does.
        names: of the data sets that there are.
        header: the two first lines of the table.
        measure: from a name, the folder of all data, that of the runs and the settings to figures.
        lines: the lines of one data set in Markdown.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("names", nargs="*", default=list(names), metavar="NAME")
    parser.add_argument("--data", type=Path, required=True, help="its folders hold the data sets")
    parser.add_argument("--out", type=Path, help="keeps runs and figures; by default they go")
    parser.add_argument("--set", type=json.loads, default={}, help="settings of all runs, as JSON")
    given = parser.parse_args(words)
    print(*header, sep="\n")
    with tempfile.TemporaryDirectory() as passing:
        out = given.out or Path(passing)
        out.mkdir(parents=True, exist_ok=True)
        for name in given.names:
            found = measure(name, given.data, out, given.set)
            (out / f"{name}.json").write_text(json.dumps(found, indent=1))
            print(*lines(found), sep="\n", flush=True)
            print(f"{name}: epoch {found['epoch']}, {found['seconds']:.0f} s", file=sys.stderr)
    return 0
