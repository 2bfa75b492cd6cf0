"""An explanation on stdout: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plait.core.sentences import listed
from plait.runs.diagnosis import SharedBy

if TYPE_CHECKING:
    from plait.experiments.explanation import Explanation, ModuleRow

MOST_NAMES = 4  # of tasks in a cell or a sentence
MOST_SETS = 12  # of tasks, or pairs of them
_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def show(found: Explanation, *, as_json: bool) -> None:
    """Shows the parameters by module and by tasks, then what ties them, then a step."""
    if as_json:
        print(json.dumps(asdict(found), indent=2))
        return
    out = Console()
    table = Table(title=f"{found.sharing}, {found.parameters:,} parameters", title_justify="left")
    table.add_column("module", overflow="fold")
    table.add_column("parameters", justify="right")
    table.add_column("tasks", overflow="fold")
    for row in found.modules:
        table.add_row(Text(row.module), _size(row), Text(_whose(row, found.tasks)))
    out.print(table)
    for sentence in sentences(found):
        out.print(sentence, **_PLAIN)


def sentences(found: Explanation) -> list[str]:
    """Puts all that the table does not show into sentences."""
    said = [f"Trained by {share}." for share in shares(found.totals, found.tasks)]
    if found.frozen:
        said.append(f"Frozen: {found.frozen:,} parameters.")
    for tie in found.ties:
        of = f" of {named(tie.tasks, found.tasks)}" if tie.tasks else ""
        said.append(
            f"{tie.name} acts on {tie.parameters:,} parameters{of}: mode {tie.mode}, strength "
            f"{tie.strength:g}."
        )
    for link in found.links:
        edges = [f"{source} -> {target}" for source, target in link.edges]
        said.append(f"{link.name} connects {link.acts}: {listed(edges, MOST_SETS)}.")
    said.append(one_step(found))
    if found.passes:
        said.append(in_processes(found))
    said += [f"{line[0].upper()}{line[1:]}." for line in found.heads]
    if found.unlabelled:
        said.append(
            f"No label of {named(found.unlabelled, found.tasks)} in the batches that were looked "
            "at, so it is not known what they reach."
        )
    return said


def in_processes(found: Explanation) -> str:
    """Says how several processes would take a step."""
    if not found.processes:
        return f"Several processes cannot train with {found.balancer} so."
    if found.processes == "ahead":
        return (
            f"Several processes (--nproc) would look ahead together: {_bytes(found.summed)} of "
            f"each are summed for each gradient that {found.balancer} takes, and for the step."
        )
    way = {"one pass": "in one pass", "features": "at the features"}.get(found.processes, "by rows")
    whose = " in all of them together" if found.gathered else ""
    memory = f", and {_bytes(found.rows)} of memory for the rows{whose}" if found.rows else ""
    if found.gathered:
        return (
            f"Several processes (--nproc) would take a step {way}, with parts of the model in "
            f"each: {_bytes(found.gathered)} are gathered and scattered, {_bytes(found.summed)} of "
            f"each are summed{memory}."
        )
    return (
        f"Several processes (--nproc) would take a step {way}: {_bytes(found.summed)} of each are "
        f"summed{memory}."
    )


def _bytes(count: int) -> str:
    """Returns a number of bytes for people.

    Example:
        >>> _bytes(999), _bytes(2_890_000), _bytes(40_000_000_000)
        ('1 kB', '2.9 MB', '40 GB')
    """
    for name, unit in (("GB", 1e9), ("MB", 1e6)):
        if count >= unit:
            return f"{count / unit:.2g} {name}"
    return f"{count / 1e3:.0f} kB"


def shares(totals: Sequence[SharedBy], tasks: Sequence[str]) -> list[str]:
    """Returns the share of the trained parameters that each set of tasks has, in words.

    Many sets of one task are one line; of many other sets the smallest are one line.

    Example:
        >>> sets = [SharedBy(tasks=["a", "b"], parameters=60), SharedBy(tasks=["a"], parameters=40)]
        >>> shares(sets, ["a", "b"])
        ['all 2 tasks: 60 % (60)', 'a alone: 40 % (40)']
    """
    whole = sum(each.parameters for each in totals)
    single = [each for each in totals if len(each.tasks) == 1]
    folded = single if len(single) > MOST_NAMES else []
    kept = [each for each in totals if each not in folded]
    largest = sorted(kept, key=lambda each: -each.parameters)[:MOST_SETS]
    lines = [
        _line(named(each.tasks, tasks), each.parameters, whole) for each in kept if each in largest
    ]
    rest = [each for each in kept if each not in largest]
    if rest:
        lines.append(_line(f"{len(rest)} other sets", sum(e.parameters for e in rest), whole))
    if folded:
        text = f"one task alone, {len(folded)} of them together"
        lines.append(_line(text, sum(each.parameters for each in folded), whole))
    return lines


def named(some: Sequence[str], tasks: Sequence[str]) -> str:
    """Returns a set of tasks in words.

    Example:
        >>> tasks = ["a", "b", "c"]
        >>> named(tasks, tasks), named(["a", "c"], tasks), named(["b"], tasks), named([], tasks)
        ('all 3 tasks', 'a and c', 'b alone', 'no task')
    """
    if not some:
        return "no task"
    if len(some) == 1:
        return f"{some[0]} alone" if len(tasks) > 1 else some[0]
    if len(some) == len(tasks):
        return f"all {len(tasks)} tasks"
    return listed(some, MOST_NAMES)


def _line(whose: str, count: int, whole: int) -> str:
    share = 100 * count / max(whole, 1)
    written = f"{share:.0f}" if share >= 1 or not count else "<1"
    return f"{whose}: {written} % ({count:,})"


def _size(row: ModuleRow) -> str:
    return f"{row.parameters:,} {row.shape}" if row.shape else f"{row.parameters:,}"


def _whose(row: ModuleRow, tasks: Sequence[str]) -> str:
    if row.each:
        return f"{len(row.tasks)} tasks, each its own"
    return "frozen" if row.frozen else named(row.tasks, tasks)


def one_step(found: Explanation) -> str:
    """Says how a step goes in one process."""
    if not found.passes:
        return f"Balanced by {found.balancer}; the first step had no label of any task."
    learned = f", which learns {found.learned} weights" if found.learned else ""
    batches = f" of {found.batches} batches" if found.batches > 1 else ""
    every = f" every {found.every} steps, and 1 in between" if found.every > 1 else ""
    several = f", T = {found.tasks_in_step}" if "T" in found.passes else ""
    return (
        f"Balanced by {found.balancer}{learned}. Backward passes of a step{batches}: "
        f"{found.passes}{every}{several}."
    )
