"""Notices above the charts: warnings, skipped steps, flags of the balancer, why it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plait.core.sentences import listed
from plait.reports.read.run import Run
from plait.runs.folder import EVENTS

MOST_NOTICES = 8
MOST_JOINT = 12  # of all runs of a comparison
MOST_RUNS = 4  # that are named one by one
MOST_STEPS = 6  # that are named one by one


@dataclass(frozen=True)
class Notice:
    """A sentence above the charts, said once however often it came.

    Attributes:
        when: at which steps, and of which run where there are several.
        text: what was found.
        wrong: whether it is a warning, and not only of interest.
    """

    when: str
    text: str
    wrong: bool = True


def notices(run: Run, name: str = "") -> list[Notice]:
    """Returns the warnings of a run, its skipped steps, its balancer's flags, and why it ended.

    Each text is there once, with its steps; of more than `MOST_NOTICES` the rest are counted.

    Args:
        run: the run.
        name: of the run, where the page shows several.
    """
    found: dict[str, list[int]] = {}
    for warning in run.warnings:
        found.setdefault(warning.text, []).append(warning.step)
    steps = run.steps
    for step, skipped, flag in zip(steps.step.tolist(), steps.skipped, steps.flags, strict=True):
        if skipped is not None:
            found.setdefault(f"The step was not taken: {skipped}", []).append(step)
        if flag is not None:
            found.setdefault(f"The balancer found: {flag}", []).append(step)
    listed = [
        Notice(f"{name}, {_when(steps)}:" if name else f"{_when(steps).capitalize()}:", text)
        for text, steps in list(found.items())[:MOST_NOTICES]
    ]
    if len(found) > MOST_NOTICES:
        rest = f"{len(found) - MOST_NOTICES} more warnings are in {EVENTS}."
        listed.append(Notice(f"{name}:" if name else "", rest))
    for each in run.first_steps:
        when = f"{name}, step {each.step}:" if name else f"Step {each.step}:"
        listed.append(Notice(when, ". ".join(each.lines), wrong=False))
    if run.end is not None:
        listed.append(Notice(f"{name}, at the end:" if name else "At the end:", run.end.text))
    return listed


def joint_notices(runs: Iterable[tuple[str, Run]]) -> list[Notice]:
    """Returns the notices of several runs: each text once, with the runs that have it.

    Args:
        runs: `(name, run)` of each.
    """
    found: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for name, run in runs:
        for notice in notices(run, name):
            found.setdefault((notice.text, notice.wrong), []).append((name, notice.when))
    joined = [
        Notice(where[0][1] if len(where) == 1 else f"{_runs(where)}:", text, wrong)
        for (text, wrong), where in found.items()
    ]
    joined.sort(key=lambda notice: not notice.wrong)
    if len(joined) > MOST_JOINT:
        rest = f"{len(joined) - MOST_JOINT} more are on the pages of the single runs."
        joined = [*joined[:MOST_JOINT], Notice("", rest, wrong=False)]
    return joined


def _runs(where: list[tuple[str, str]]) -> str:
    names = list(dict.fromkeys(name for name, _ in where))
    return "; ".join(names) if len(names) <= MOST_RUNS else f"{len(names)} runs"


def _when(steps: list[int]) -> str:
    if len(steps) == 1:
        return f"step {steps[0]}"
    if len(steps) <= MOST_STEPS:
        return f"steps {listed([str(step) for step in steps])}"
    return f"{len(steps)} steps from step {steps[0]} to step {steps[-1]}"
