"""A comparison folder as typed values: its numbers, and the runs behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from plait.reports.read.files import inside
from plait.reports.read.run import Run, read_run
from plait.runs import Comparison
from plait.runs.comparison import read_comparison as read_file
from plait.runs.folder import COMPARISON


@dataclass(frozen=True)
class Compared:
    """A comparison with its runs.

    Attributes:
        found: what `comparison.json` says.
        joint: `{member: its run of each seed}`.
        single: `{task: the run of its own network of each seed}`.
    """

    found: Comparison
    joint: dict[str, list[Run]]
    single: dict[str, list[Run]]

    def named_runs(self) -> Iterator[tuple[str, Run]]:
        """Yields `(name, run)`: the member or task, with the seed if there are several."""
        labels = self.found.labels
        groups = [(labels[name], runs) for name, runs in self.joint.items()]
        groups += [(f"{task} alone", runs) for task, runs in self.single.items()]
        for label, runs in groups:
            for seed, run in zip(self.found.seeds, runs, strict=True):
                yield (f"{label}, seed {seed}" if len(runs) > 1 else label), run


def read_comparison(folder: Path) -> Compared:
    """Reads a comparison folder.

    Raises:
        DataError: a file is missing or broken, or a run is outside the folder.
    """
    found = read_file(folder)
    path = folder / COMPARISON

    def read(names: Sequence[str]) -> list[Run]:
        return [read_run(inside(folder, name, named_in=path)) for name in names if name]

    return Compared(
        found,
        {member.name: read(member.folders) for member in found.members},
        {task: read(single.folders) for task, single in found.single.items()},
    )
