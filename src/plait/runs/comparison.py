"""`comparison.json`: k members, each trained from s seeds, against one network for each task."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from plait.core.files import write_text
from plait.core.typed_json import read_typed, write_typed
from plait.runs.comparison_csv import as_csv
from plait.runs.comparison_member import ALL, MemberResult, Network, SeedScores
from plait.runs.folder import COMPARISON, COMPARISON_CSV

Verdict = Literal["better", "worse", "no clear difference", "undefined", ""]


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """A metric: its direction, and the values of the best constant prediction.

    Attributes:
        higher_is_better: its direction.
        trivial: value of the best constant prediction on the test split, per seed; NaN where it is
            not known.
        undefined: why values are NaN, as what follows "because"; empty if none is.
    """

    higher_is_better: bool
    trivial: list[float]
    undefined: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A member against the baseline, in per cent of it; positive is better.

    Attributes:
        member: its name.
        task: its name; "" for the mean over the tasks, of `delta_m`.
        metric: its name; "delta_m" for the mean over the tasks.
        mean: over the seeds.
        deviation: sample standard deviation over the seeds; NaN of one seed.
        low: lower end of the 95 % interval, which joins the noise of the test part and of the
            seeds; not corrected for the number of comparisons.
        high: upper end.
        p: probability of a change as large, if there were no difference.
        adjusted: `p` after Holm's correction over members and tasks; NaN for what is not judged,
            which are the metrics of a task beside its main one.
        verdict: after the correction, at 0.05; "" for what is not judged.
        undefined: why there is no interval, as what follows "because"; empty if there is.
    """

    member: str
    task: str
    metric: str
    mean: float
    deviation: float
    low: float
    high: float
    p: float
    adjusted: float
    verdict: Verdict
    undefined: str = ""


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One metric of one task on the test data, over all members; lists have one entry per seed.

    Attributes:
        task: its name.
        metric: its name; the first row of a task has its main metric.
        higher_is_better: direction of the metric.
        trivial: of the best constant prediction.
        single: of the task's own network.
        joint: `{member: values}`.
        changes: `{member: gains}`, as in `MemberResult`.
        undefined: why values are NaN; empty if none is.
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
    """Did joint training help? Members against one network for each task, from the same seeds.

    Attributes:
        title: what is compared.
        note: under which conditions, for the reader.
        seeds: of the runs, in the order of all lists.
        baseline: the networks of one task each, to which all else is compared.
        members: the others, at least one.
        metrics: `{task: {metric: what is known of it}}`, the main metric of a task first.
        changes: of each member, task and metric, and of each member's mean over the tasks.

    Raises:
        ValueError: names are not unique or not known, or a list has not one entry per seed.
    """

    title: str
    note: str
    seeds: list[int]
    baseline: MemberResult
    members: list[MemberResult]
    metrics: dict[str, dict[str, MetricInfo]]
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [member.name for member in self.rows_of_table]
        if not self.members or not self.seeds:
            raise ValueError("a comparison needs at least one member and one seed.")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"`members` has the name {name!r} twice.")
        for member in self.rows_of_table:
            where = f"member {member.name!r}"
            self._check_length(where, member.delta_m, member.failed)
            for each in member.networks.values():
                lists = each.folders, each.seconds, each.step_seconds, each.memory
                self._check_length(where, *lists)
            for scores in (member.test, member.validation, member.gains):
                for task, values in scores.items():
                    if task not in self.metrics:
                        raise ValueError(f"{where} has the task {task!r}, which is not known.")
                    self._check_length(f"{where}, task {task!r}", *values.values())
        for task, infos in self.metrics.items():
            self._check_length(f"metrics.{task}", *(info.trivial for info in infos.values()))
        for place, change in enumerate(self.changes):
            if change.member not in names:
                raise ValueError(f"`changes.{place}.member` is not known: {change.member!r}.")

    def _check_length(self, where: str, *lists: Sequence[object]) -> None:
        for values in lists:
            if len(values) != len(self.seeds):
                raise ValueError(
                    f"{where} must have one entry for each of {len(self.seeds)} seeds; "
                    f"found {len(values)}."
                )

    @property
    def rows_of_table(self) -> list[MemberResult]:
        """The baseline, then the members."""
        return [self.baseline, *self.members]

    @property
    def single(self) -> dict[str, Network]:
        """`{task: its own network}`, in the order of the tasks."""
        return self.baseline.networks

    @property
    def rows(self) -> list[MetricRow]:
        """The metrics, task by task."""
        return [
            MetricRow(
                task=task,
                metric=metric,
                higher_is_better=info.higher_is_better,
                trivial=info.trivial,
                single=self._values(self.baseline.test, task, metric),
                joint={m.name: self._values(m.test, task, metric) for m in self.members},
                changes={m.name: self._values(m.gains, task, metric) for m in self.members},
                undefined=info.undefined,
            )
            for task, infos in self.metrics.items()
            for metric, info in infos.items()
        ]

    def _values(self, scores: SeedScores, task: str, metric: str) -> list[float]:
        return scores.get(task, {}).get(metric) or [math.nan] * len(self.seeds)

    @property
    def tasks(self) -> dict[str, list[MetricRow]]:
        """The rows of each task; the first has its main metric."""
        found: dict[str, list[MetricRow]] = {task: [] for task in self.metrics}
        for row in self.rows:
            found[row.task].append(row)
        return found

    @property
    def undefined(self) -> dict[str, dict[str, str]]:
        """`{task: {metric: reason}}` of the metrics that have no value."""
        return {
            task: reasons
            for task, infos in self.metrics.items()
            if (reasons := {name: info.undefined for name, info in infos.items() if info.undefined})
        }

    @property
    def best(self) -> MemberResult | None:
        """The member with the greatest Δm, the first of equal ones; None if all are NaN."""
        known = [member for member in self.members if not math.isnan(mean(member.delta_m))]
        return max(known, key=lambda member: mean(member.delta_m), default=None)

    @property
    def labels(self) -> dict[str, str]:
        """A short title of each member by name: what stands behind the colon, if that is clear."""
        short = {
            # "average" alone would not say that networks were merged
            member.name: member.title
            if member.kind == "merged"
            else member.title.rpartition(": ")[2]
            for member in self.members
        }
        if len(set(short.values())) == len(short):
            return short
        return {member.name: member.title for member in self.members}

    def change(self, member: str, task: str = ALL, metric: str = "") -> Change | None:
        """Returns a member's change on a task's metric, by default the main one; None if unknown.

        Args:
            member: its name.
            task: its name; "" for the mean over the tasks.
            metric: its name.
        """
        wanted = metric or ("delta_m" if task == ALL else next(iter(self.metrics[task]), ""))
        where = member, task, wanted
        return self._by_place.get(where)

    @cached_property
    def _by_place(self) -> dict[tuple[str, str, str], Change]:
        return {(each.member, each.task, each.metric): each for each in self.changes}


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
    """Writes `comparison.json` and `comparison.csv` into a folder, each atomically."""
    write_text(folder / COMPARISON_CSV, as_csv(comparison.rows_of_table, comparison.seeds))
    write_typed(folder / COMPARISON, comparison)


def read_comparison(folder: Path) -> Comparison:
    """Reads `comparison.json`.

    Raises:
        DataError: it is missing or damaged.
    """
    return read_typed(Comparison, folder / COMPARISON, hint="Run the comparison again.")
