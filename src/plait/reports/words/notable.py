"""The tasks that a page of a comparison names one by one, where they are many."""

from __future__ import annotations

import math

from plait.core.many import MANY, worst_and_best
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import mean

EACH = 6  # of the tasks that lose most, and of those that gain most


def notable(found: Comparison) -> list[str]:
    """Returns all tasks; of more than 32, those that lose most and those that gain most.

    By the change of the main metric against separate networks, the mean over the members.
    """
    if len(found.metrics) <= MANY:
        return list(found.metrics)
    gains = {task: [gain(found, each, task) for each in found.members] for task in found.metrics}
    known = {task: [x for x in each if math.isfinite(x)] for task, each in gains.items()}
    scores = {task: math.fsum(each) / len(each) for task, each in known.items() if each}
    named = [task for side in worst_and_best(scores, EACH) for task in side]
    return named or list(found.metrics)[: 2 * EACH]


def gain(found: Comparison, member: MemberResult, task: str) -> float:
    """Returns the change of a task's main metric in per cent; NaN where it was not measured."""
    metric = next(iter(found.metrics[task]), "")
    change = found.change(member.name, task)
    if change is not None:
        return change.mean
    return mean(member.gains.get(task, {}).get(metric, [math.nan]))


def note_of(found: Comparison) -> str:
    """Returns a note that only some tasks are named one by one; "" if all are."""
    if len(found.metrics) <= MANY:
        return ""
    return (
        f"Of {len(found.metrics)} tasks the page names the {EACH} that lose most and the {EACH} "
        "that gain most, in the mean over the networks. The numbers of all are in plait report "
        "FOLDER --csv."
    )
