"""`comparison.json`: k joint networks and one network per task, each trained from s seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from plait.core.files import write_json
from plait.runs.folder import COMPARISON


@dataclass(frozen=True, kw_only=True)
class MemberResult:
    """A joint network: what it is, and what it came to. Lists have one entry per seed.

    Attributes:
        name: short and unique, such as "shared"; its run folders end in it.
        title: in full, such as "Shared parameters: Hard".
        formula: what it minimises; empty where the title says enough.
        folders: its run folders, relative to the comparison's.
        seconds: of training and validation.
        parameters: how many it has.
        delta_m: mean change over the tasks in per cent, positive where it is better than the
            single-task networks of the same seed; NaN where it cannot be said.
    """

    name: str
    title: str
    formula: str = ""
    folders: list[str]
    seconds: list[float]
    parameters: int
    delta_m: list[float]


@dataclass(frozen=True, kw_only=True)
class SingleResult:
    """The network of one task alone; lists have one entry per seed, as in `MemberResult`."""

    folders: list[str]
    seconds: list[float]
    parameters: int


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric of one task on the test data; lists have one entry per seed.

    Attributes:
        task: its name.
        metric: its name; the first row of a task has its main metric.
        higher_is_better: direction of the metric.
        trivial: of the best constant prediction.
        single: of the task's own network.
        joint: `{member: values}`.
        changes: `{member: gain over the single-task network of the same seed, in per cent}`;
            positive is better whatever the direction, NaN where it cannot be said.
        undefined: why values are NaN, as what follows "because"; empty if none is.
    """

    task: str
    metric: str
    higher_is_better: bool
    trivial: list[float]
    single: list[float]
    joint: dict[str, list[float]]
    changes: dict[str, list[float]]
    undefined: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Did joint training help? Members and single-task networks, from the same seeds.

    Attributes:
        title: what is compared.
        note: under which conditions, for the reader.
        seeds: of the runs, in the order of all lists.
        members: the joint networks, at least one.
        single: `{task: its own network}`, in the order of the tasks.
        rows: the metrics, task by task.

    Raises:
        ValueError: names are not unique or not known, or a list has not one entry per seed.
    """

    title: str
    note: str
    seeds: list[int]
    members: list[MemberResult]
    single: dict[str, SingleResult]
    rows: list[MetricRow]

    def __post_init__(self) -> None:
        names = [member.name for member in self.members]
        if not names or not self.seeds:
            raise ValueError("a comparison needs at least one member and one seed.")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"`members` has the name {name!r} twice.")
        for member in self.members:
            lists = (member.folders, member.seconds, member.delta_m)
            self._check_length(f"members {member.name!r}", *lists)
        for task, single in self.single.items():
            self._check_length(f"single {task!r}", single.folders, single.seconds)
        for place, row in enumerate(self.rows):
            if row.task not in self.single:
                raise ValueError(f"`rows.{place}.task` must be in `single`; found {row.task!r}.")
            for field, values in (("joint", row.joint), ("changes", row.changes)):
                if list(values) != names:
                    raise ValueError(
                        f"`rows.{place}.{field}` must be of the members {', '.join(names)}; "
                        f"found {', '.join(values) or 'none'}."
                    )
                self._check_length(f"rows.{place}.{field}", *values.values())
            self._check_length(f"rows.{place}", row.trivial, row.single)

    def _check_length(self, where: str, *lists: Sequence[object]) -> None:
        for values in lists:
            if len(values) != len(self.seeds):
                raise ValueError(
                    f"`{where}` must have one entry for each of {len(self.seeds)} seeds; "
                    f"found {len(values)}."
                )

    @property
    def tasks(self) -> dict[str, list[MetricRow]]:
        """The rows of each task; the first has its main metric."""
        found: dict[str, list[MetricRow]] = {task: [] for task in self.single}
        for row in self.rows:
            found[row.task].append(row)
        return found

    @property
    def undefined(self) -> dict[str, dict[str, str]]:
        """`{task: {metric: reason}}` of the metrics that have no value."""
        return {
            task: reasons
            for task, rows in self.tasks.items()
            if (reasons := {row.metric: row.undefined for row in rows if row.undefined})
        }

    @property
    def best(self) -> MemberResult | None:
        """The member with the greatest Δm, the first of equal ones; None if all are NaN."""
        known = [member for member in self.members if not math.isnan(mean(member.delta_m))]
        return max(known, key=lambda member: mean(member.delta_m), default=None)

    @property
    def labels(self) -> dict[str, str]:
        """A short title of each member by name: what stands behind the colon, if that is clear."""
        short = {member.name: member.title.rpartition(": ")[2] for member in self.members}
        if len(set(short.values())) == len(short):
            return short
        return {member.name: member.title for member in self.members}

    @property
    def single_seconds(self) -> float:
        """Training time of all single-task networks together, on average over the seeds."""
        return math.fsum(mean(single.seconds) for single in self.single.values())

    @property
    def single_parameters(self) -> int:
        """Number of parameters of all single-task networks together."""
        return sum(single.parameters for single in self.single.values())


def mean(values: Sequence[float]) -> float:
    """Returns the mean over the seeds; NaN if one of them is."""
    return math.fsum(values) / len(values)


def spread(values: Sequence[float]) -> float | None:
    """Returns the sample standard deviation over the seeds; None for one seed, which shows none.

    Example:
        >>> spread([1.0, 3.0]), spread([1.0])
        (1.4142135623730951, None)
    """
    if len(values) < 2:
        return None
    return math.nan if any(map(math.isnan, values)) else statistics.stdev(values)


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Writes `comparison.json` into a folder, atomically."""
    write_json(folder / COMPARISON, asdict(comparison))
