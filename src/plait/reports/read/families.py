"""A families folder as typed values: several joint runs, a run for each task, what they reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from plait.core.errors import DataError
from plait.reports.read.files import inside, parse, read_bytes
from plait.reports.read.run import Run, read_run

_HINT = "Run the comparison again."


@dataclass(frozen=True)
class FamilyRun:
    """A joint run: a member of one family, and its mean change over the tasks in per cent."""

    name: str
    formula: str
    folder: str
    seconds: float
    parameters: int
    delta_m: float | None


@dataclass(frozen=True)
class FamilyRow:
    """One metric of one task; `values` and `changes` by the folder of the joint run.

    Changes are in per cent, positive where the run is better than the single-task network.
    """

    task: str
    metric: str
    higher_is_better: bool
    trivial: float | None
    single: float
    values: dict[str, float | None]
    changes: dict[str, float | None]


@dataclass(frozen=True)
class SingleSeconds:
    """Training time of each single-task network."""

    single: dict[str, float]


@dataclass(frozen=True)
class SingleParameters:
    """Number of parameters of all single-task networks together."""

    single: int


@dataclass(frozen=True)
class Families:
    """`families.json`; `single` names the folder of each task's own run."""

    title: str
    note: str
    baseline: Literal["single"]
    runs: Annotated[list[FamilyRun], Field(min_length=1)]
    single: dict[str, str]
    rows: list[FamilyRow]
    seconds: SingleSeconds
    parameters: SingleParameters

    @property
    def labels(self) -> dict[str, str]:
        """A short name of each run by folder: without the family, where that is clear."""
        short = {run.folder: run.name.rpartition(": ")[2] for run in self.runs}
        if len(set(short.values())) == len(short):
            return short
        return {run.folder: run.name for run in self.runs}

    @property
    def tasks(self) -> dict[str, list[FamilyRow]]:
        """The rows of each task, in their order; the first has its main metric."""
        found: dict[str, list[FamilyRow]] = {}
        for row in self.rows:
            found.setdefault(row.task, []).append(row)
        return found


_FAMILIES = TypeAdapter(Families)


def read_families(folder: Path) -> tuple[Families, dict[str, Run], dict[str, Run]]:
    """Reads a families folder: what was found, the joint runs by folder, each task's own run.

    Raises:
        DataError: a file is missing or broken, a run is outside the folder, two runs are one, or a
            value belongs to no run.
    """
    path = folder / "families.json"
    found = parse(_FAMILIES, read_bytes(path, hint=_HINT), where=str(path), hint=_HINT)
    _check(found, path)
    joint = {run.folder: read_run(inside(folder, run.folder, named_in=path)) for run in found.runs}
    single = {
        task: read_run(inside(folder, name, named_in=path)) for task, name in found.single.items()
    }
    return found, joint, single


def _check(found: Families, path: Path) -> None:
    folders = [run.folder for run in found.runs]
    for name in dict.fromkeys(folders):
        if folders.count(name) > 1:
            raise DataError(f"{path}: `runs` has the folder {name!r} twice. {_HINT}")
    for place, row in enumerate(found.rows):
        for field, values in (("values", row.values), ("changes", row.changes)):
            unknown = [name for name in values if name not in folders]
            if unknown:
                raise DataError(
                    f"{path}: `rows.{place}.{field}` must be of `runs` ({', '.join(folders)}); "
                    f"found {unknown[0]!r}. {_HINT}"
                )
