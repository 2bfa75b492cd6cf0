"""A comparison folder as typed values: its numbers, and the runs behind them.

Merged networks and models of scikit-learn have a result, and no log of a training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plait.reports.read.files import inside
from plait.reports.read.run import Run, read_run
from plait.runs import Comparison, MemberResult, Network
from plait.runs.comparison import read_comparison as read_file
from plait.runs.folder import COMPARISON, EVENTS


@dataclass(frozen=True)
class Compared:
    """A comparison with its runs; what failed before it wrote anything has none.

    Attributes:
        found: what `comparison.json` says.
        joint: `{member: the runs of its one network, in the order of the seeds}`; an empty list
            for a member of another kind.
        single: `{task: the runs of its own network}`, in the same order.
        named: `(name, run)` of all runs: the member or task, with the seed if there are several.
        tested: how often the test part was read: once by each network that has a result.
    """

    found: Comparison
    joint: dict[str, list[Run]]
    single: dict[str, list[Run]]
    named: list[tuple[str, Run]]
    tested: int


def read_comparison(folder: Path) -> Compared:
    """Reads a comparison folder.

    Raises:
        DataError: a file is missing or broken, or a run is outside the folder.
    """
    found = read_file(folder)
    named: list[tuple[str, Run]] = []
    tested = 0

    def read(member: MemberResult, network: Network, label: str) -> list[Run]:
        nonlocal tested
        runs = []
        for seed, place in _there(folder, found, member, network):
            if not (place / EVENTS).exists() and member.kind in ("merged", "classical"):
                tested += 1
                continue
            run = read_run(place)
            tested += run.test is not None
            named.append((f"{label}, seed {seed}" if len(found.seeds) > 1 else label, run))
            runs.append(run)
        return runs

    joint: dict[str, list[Run]] = {}
    for member in found.members:
        label = found.labels[member.name]
        joint[member.name] = []
        for task, network in member.networks.items():
            runs = read(member, network, f"{label}, {task}" if task else label)
            if member.is_one:
                joint[member.name] = runs
    single = {
        task: read(found.baseline, network, f"{task} alone")
        for task, network in found.single.items()
    }
    return Compared(found, joint, single, named, tested)


def _there(
    folder: Path, found: Comparison, member: MemberResult, network: Network
) -> Iterator[tuple[int, Path]]:
    """Yields `(seed, run folder)` of a network; what failed may have left none."""
    for seed, name, failed in zip(found.seeds, network.folders, member.failed, strict=True):
        if name:
            place = inside(folder, name, named_in=folder / COMPARISON)
            if not failed or (place / EVENTS).exists():
                yield seed, place
