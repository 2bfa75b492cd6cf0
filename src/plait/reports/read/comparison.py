"""A comparison folder as typed values: its numbers, and the runs behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter

from plait.core.errors import DataError
from plait.reports.read.files import inside, parse, read_bytes
from plait.reports.read.run import Run, read_run
from plait.runs import Comparison
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


# Unknown fields are errors; pydantic takes this for a union, and not for a class by itself.
_COMPARISON: TypeAdapter[Comparison | None] = TypeAdapter(
    Comparison | None, config=ConfigDict(extra="forbid")
)


def read_comparison(folder: Path) -> Compared:
    """Reads a comparison folder.

    Raises:
        DataError: a file is missing or broken, or a run is outside the folder.
    """
    path = folder / COMPARISON
    hint = "Run the comparison again."
    found = parse(_COMPARISON, read_bytes(path, hint=hint), where=str(path), hint=hint)
    if found is None:
        raise DataError(f"{path} holds no comparison, but null. {hint}")

    def runs(names: Sequence[str]) -> list[Run]:
        return [read_run(inside(folder, name, named_in=path)) for name in names]

    return Compared(
        found,
        {member.name: runs(member.folders) for member in found.members},
        {task: runs(single.folders) for task, single in found.single.items()},
    )
