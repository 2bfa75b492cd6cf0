"""A comparison folder as typed values: a joint run, a run for each task, and what they reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from plait.reports.read.files import inside, parse, read_bytes
from plait.reports.read.run import Run, read_run


@dataclass(frozen=True)
class Row:
    """One metric of one task; `change` is in per cent, positive where joint training is better."""

    task: str
    metric: str
    higher_is_better: bool
    trivial: float | None
    single: float
    joint: float
    change: float


@dataclass(frozen=True)
class Seconds:
    """Training time of the joint network and of each single-task network."""

    joint: float
    single: dict[str, float]


@dataclass(frozen=True)
class Parameters:
    """Number of parameters of the joint network, and of all single-task networks together."""

    joint: int
    single: int


@dataclass(frozen=True)
class Comparison:
    """`comparison.json`; `joint` and `single` name the folders of the runs."""

    title: str
    note: str
    joint: str
    single: dict[str, str]
    rows: list[Row]
    delta_m: float
    seconds: Seconds
    parameters: Parameters


_COMPARISON = TypeAdapter(Comparison)


def read_comparison(folder: Path) -> tuple[Comparison, Run, dict[str, Run]]:
    """Reads a comparison folder: what was found, the joint run, and the single run of each task.

    Raises:
        DataError: a file is missing or broken, or a run is outside the folder.
    """
    path = folder / "comparison.json"
    hint = "Run the comparison again."
    found = parse(_COMPARISON, read_bytes(path, hint=hint), where=str(path), hint=hint)
    joint = read_run(inside(folder, found.joint, named_in=path))
    single = {
        task: read_run(inside(folder, name, named_in=path)) for task, name in found.single.items()
    }
    return found, joint, single
