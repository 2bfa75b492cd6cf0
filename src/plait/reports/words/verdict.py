"""What came out, in words: of a run, and of a comparison (did joint training help?)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from plait.reports.read.comparison import Comparison, Row
from plait.reports.read.run import Run
from plait.reports.words.text import MISSING, against, duration, judgement, number, per_cent, ratio

_MOST_NAMES = 6  # of tasks in a sentence
SIGNS = {"better": "▲", "worse": "▼", "equal": "=", "mixed": "◆", "not comparable": "?"}


@dataclass(frozen=True)
class TaskVerdict:
    """What joint training did to one task.

    Attributes:
        task: its name.
        word: "better", "worse", "equal", "mixed" or "not comparable".
        sign: a shape for the word, so that the eye need not read colours.
        details: the numbers behind it, one for each metric.
    """

    task: str
    word: str
    sign: str
    details: list[str]


def headline(found: Comparison) -> str:
    """Returns the answer in one sentence, with the tasks that it does not hold for."""
    verdicts = task_verdicts(found)
    better, worse = (
        [verdict.task for verdict in verdicts if verdict.word == word]
        for word in ("better", "worse")
    )
    word = judgement(found.delta_m)
    size = per_cent(found.delta_m, sign="")
    answers = {
        "better": f"Joint training helped: on average over the tasks, {size} better",
        "worse": f"Joint training did not help: on average over the tasks, {size} worse",
        "equal": "Joint training made no difference on average over the tasks",
        "not comparable": "Whether joint training helped cannot be said on average over the tasks",
    }
    if word == "worse":
        exception = f", although {tasks_named(better)} got better" if better else ""
    else:
        exception = f", but {tasks_named(worse)} got worse" if worse else ""
    return f"{answers[word]}{exception}."


def run_headline(run: Run) -> str:
    """Returns how many tasks beat the trivial predictor on their main metric, and which do not.

    Tasks whose metric has no known direction are left out; the text is empty if none is left.
    """
    shown = run.test or run.best
    if shown is None:
        return ""
    words = {
        task: against(value, shown.trivial.get(task, {}).get(metric), shown.direction(task, metric))
        for task, metrics in shown.metrics.items()
        for metric, value in islice(metrics.items(), 1)
    }
    judged = [task for task, word in words.items() if word != MISSING]
    failed = [task for task in judged if words[task] != "better"]
    if not judged:
        return ""
    count = f"{len(judged) - len(failed)} of {len(judged)} tasks" if failed else "every task"
    rest = f"; {tasks_named(failed)} did not" if failed else ""
    data = "test" if run.test else "validation"
    return f"On the {data} data, {count} did better than the trivial predictor{rest}."


def task_verdicts(found: Comparison) -> list[TaskVerdict]:
    """Returns the verdict on each task, by the mean over its metrics, in the order of the rows."""
    tasks: dict[str, list[Row]] = {}
    for row in found.rows:
        tasks.setdefault(row.task, []).append(row)
    return [_verdict(task, rows) for task, rows in tasks.items()]


def word_of(changes: Sequence[float]) -> str:
    """Returns what changes come to; one better and one worse are "mixed", whatever their mean."""
    words = {judgement(change) for change in changes}
    mean = math.fsum(changes) / len(changes)
    return "mixed" if {"better", "worse"} <= words else judgement(mean)


def cost(found: Comparison) -> list[str]:
    """Returns the price of both ways in time and parameters, a sentence each."""
    joint, single = found.seconds.joint, found.seconds.single
    each = ", ".join(f"{task} {duration(seconds)}" for task, seconds in single.items())
    total = math.fsum(single.values())
    parts = f" ({each})" if len(single) <= _MOST_NAMES else ""
    time = f"Training took {duration(joint)} jointly and {duration(total)} one by one{parts}"
    size = (
        f"The joint network has {found.parameters.joint:,} parameters, "
        f"the {len(single)} single-task networks have {found.parameters.single:,} together"
    )
    sizes = found.parameters
    return [
        f"{time}: {ratio(joint, total)} times the time.",
        f"{size}: {ratio(sizes.joint, sizes.single)} times the size.",
    ]


def _verdict(task: str, rows: list[Row]) -> TaskVerdict:
    word = word_of([row.change for row in rows])
    details = [
        f"{row.metric}: {number(row.joint)} jointly, {number(row.single)} alone ({_change(row)})"
        for row in rows
    ]
    return TaskVerdict(task, word, SIGNS[word], details)


def _change(row: Row) -> str:
    """Returns the change without a sign, which for an error would read as a larger one."""
    word = judgement(row.change)
    return f"{per_cent(row.change, sign='')} {word}" if word in ("better", "worse") else word


def tasks_named(tasks: Sequence[str]) -> str:
    """Returns tasks as a sentence has them: by their names, or of many the number."""
    return listed(tasks) if len(tasks) <= _MOST_NAMES else f"{len(tasks)} tasks"


def listed(names: Sequence[str]) -> str:
    """Returns names as a sentence has them.

    Example:
        >>> listed(["digit", "mask", "centre"])
        'digit, mask and centre'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
