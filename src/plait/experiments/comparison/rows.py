"""Rows beside the members of a comparison: baselines that need no choice of the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from plait.experiments.baselines.equal_size import EqualSize, equal_size
from plait.experiments.baselines.late_weights import best_late_weights
from plait.experiments.baselines.no_row import NoRow
from plait.experiments.comparison.choices import Rows
from plait.experiments.comparison.classical_rows import classical_rows
from plait.experiments.comparison.defaults import PLAIN_SUM
from plait.experiments.comparison.member import PLAIN, Member
from plait.experiments.comparison.merged_rows import merged_rows
from plait.experiments.comparison.plan import Planned, joint, single
from plait.experiments.comparison.runner import Runner
from plait.experiments.comparison.trained import MemberRuns, Trained
from plait.experiments.config import RunConfig, validate
from plait.experiments.overrides import merge
from plait.runs.comparison_member import ALL

SAME_SIZE = Member(
    "same-size",
    "Single-task networks, equal parameters: separate, equal size",
    "min L_t, networks narrowed to the size of the plain sum in all",
    kind="single",
)
LATE_WEIGHTS = Member(
    "late-weights",
    "Fixed weights, late ones of the best balancer: late weights",
    "min sum_t w_t L_t, w the mean of its last half",
)


class ExtraRows:
    """The rows of a comparison beside its members.

    Args:
        names: which: "same-size", single-task networks that have as many parameters as the plain
            sum, all together; "tuned-weights" (see `tuning`); "late-weights", the plain sum with
            the mean late weights of the best balancer; "merged", the single-task networks merged
            into one; "classical", models of scikit-learn for each task, of tables.
        config: the settings of the comparison, with the learning rate that all use.
        runner: trains them.
    """

    def __init__(self, names: Sequence[Rows], config: RunConfig, runner: Runner) -> None:
        self._names = names
        self._config = config
        self._runner = runner

    def before(self) -> list[Planned]:
        """Returns the rows that are trained like members."""
        size = self._equal_size
        if not isinstance(size, EqualSize):
            return []
        narrow = validate(merge(self._config.described(), size.settings))
        return [single(narrow, self._runner.tasks, SAME_SIZE)]

    def after(self, trained: Sequence[MemberRuns]) -> list[MemberRuns]:
        """Returns the rows that are made of what was trained, and why others are not there."""
        found: list[MemberRuns] = []
        size = self._equal_size
        if isinstance(size, NoRow):
            found.append(self._missing(SAME_SIZE, size.reason))
        if "merged" in self._names:
            found += merged_rows(self._config, self._runner, trained[0])
        if "classical" in self._names:
            found += classical_rows(self._config, self._runner)
        return found

    def late_weights(self, trained: Sequence[MemberRuns]) -> Planned | MemberRuns | None:
        """Returns the plain sum with the late weights of the best balancer, to be trained.

        A row that says why there are no such weights, or None where nobody has asked for them.
        """
        if "late-weights" not in self._names:
            return None
        folders = {
            each.member.name: [one.folder for one in each.networks[ALL] if one.folder]
            for each in trained
            if ALL in each.networks
        }
        found = best_late_weights(self._config, folders, problem=self._runner.problem)
        if isinstance(found, NoRow):
            return self._missing(LATE_WEIGHTS, found.reason)
        member = replace(
            LATE_WEIGHTS,
            title=f"Fixed weights, late ones of {found.member}: late weights of {found.member}",
            settings={**PLAIN, **found.settings},
        )
        return joint(self._config, member)

    @cached_property
    def _equal_size(self) -> EqualSize | NoRow | None:
        if "same-size" not in self._names:
            return None
        plain = joint(self._config, PLAIN_SUM).networks[ALL]
        return equal_size(plain, problem=self._runner.problem)

    def _missing(self, member: Member, reason: str) -> MemberRuns:
        """Returns a row that says why it has no numbers."""
        return MemberRuns(member, {ALL: [Trained(None, failed=reason)] * len(self._runner.seeds)})
