"""Verdicts on joint training: for each task, and for each joint network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from plait.reports.words.text import (
    MOST_NAMES,
    duration,
    judgement,
    number_over,
    per_cent,
    per_cent_over,
    ratio,
    tasks_named,
)
from plait.runs import Comparison, MemberResult, MetricRow
from plait.runs.comparison import mean, spread

SIGNS = {"better": "▲", "worse": "▼", "equal": "=", "mixed": "◆", "not comparable": "?"}


@dataclass(frozen=True)
class Verdict:
    """Judges joint training for one task, or one joint network over all tasks.

    Attributes:
        of: the task, or the member, that is judged.
        label: its short name.
        word: "better", "worse", "equal", "mixed" or "not comparable".
        sentences: the numbers behind it.
        title: its name in full; empty if the label is.
        formula: what it minimises; empty for a task.
    """

    of: str
    label: str
    word: str
    sentences: list[str]
    title: str = ""
    formula: str = ""

    @property
    def sign(self) -> str:
        """A shape for the word, so that the eye need not read colours."""
        return SIGNS[self.word]


def verdicts(found: Comparison) -> list[Verdict]:
    """Returns the verdict on each task where there is one member, else on each member."""
    if len(found.members) == 1:
        name = found.members[0].name
        return [_task_verdict(task, rows, name) for task, rows in found.tasks.items() if rows]
    return [_member_verdict(found, member) for member in found.members]


def change_sentences(found: Comparison) -> list[str]:
    """Returns sentences on Δm and its spread over the seeds.

    The verdicts on several members have their means already: they are here for several seeds only.
    """
    sentences = []
    for member in found.members:
        if len(found.members) > 1 and len(found.seeds) == 1:
            continue
        of = f" of {found.labels[member.name]}" if len(found.members) > 1 else ""
        values = member.delta_m
        text = f"Δm{of}, the mean change over the tasks, is {per_cent_over(values)}"
        if len(values) > 1:
            each = ", ".join(
                f"{per_cent(value)} from seed {seed}"
                for value, seed in zip(values, found.seeds, strict=True)
            )
            text += f" ({each})"
        if not beyond_spread(values):
            text += ": no more than what the seeds differ by, so it may be chance"
        sentences.append(f"{text}.")
    if len(found.seeds) == 1:
        sentences.append(
            "Each network is one run: a small change may be chance, and runs with other seeds "
            "would tell."
        )
    return sentences


def beyond_spread(values: Sequence[float]) -> bool:
    """Returns whether a mean change exceeds its spread over the seeds; true for one seed."""
    deviation = spread(values)
    return deviation is None or not deviation >= abs(mean(values))


def cost(found: Comparison, member: MemberResult) -> list[str]:
    """Returns two sentences: time and size of a member against the single-task networks."""
    joint, total = mean(member.seconds), mean(found.baseline.seconds)
    each = ", ".join(
        f"{task} {duration(mean(single.seconds))}" for task, single in found.single.items()
    )
    parts = f" ({each})" if len(found.single) <= MOST_NAMES else ""
    time = f"Training took {duration(joint)} jointly and {duration(total)} one by one{parts}"
    size = (
        f"The joint network has {member.parameters:,} parameters, "
        f"the {len(found.single)} single-task networks have {found.baseline.parameters:,} together"
    )
    return [
        f"{time}: {ratio(joint, total)} times the time.",
        f"{size}: {ratio(member.parameters, found.baseline.parameters)} times the size.",
    ]


def word_of(changes: Sequence[float]) -> str:
    """Sums changes up in a word; one better and one worse are "mixed", whatever their mean."""
    words = {judgement(change) for change in changes}
    average = math.fsum(changes) / len(changes)
    return "mixed" if {"better", "worse"} <= words else judgement(average)


def _task_verdict(task: str, rows: Sequence[MetricRow], member: str) -> Verdict:
    word = word_of([mean(row.changes[member]) for row in rows])
    details = [
        f"{row.metric}: {number_over(row.joint[member])} jointly, {number_over(row.single)} alone "
        + f"({_change(mean(row.changes[member]))})".replace(" ", "\N{NO-BREAK SPACE}")
        for row in rows
    ]
    return Verdict(task, task, word, details)


def _change(change: float) -> str:
    """Returns a change without its sign, which for an error would read as a larger one."""
    word = judgement(change)
    return f"{per_cent(change, sign='')} {word}" if word in ("better", "worse") else word


def _member_verdict(found: Comparison, member: MemberResult) -> Verdict:
    change = mean(member.delta_m)
    word = judgement(change)
    average = {
        "equal": "On average over the tasks as good as single-task networks",
        "not comparable": "No mean over the tasks can be taken",
    }.get(
        word, f"On average over the tasks {per_cent(change, sign='')} {word} than single-task ones"
    )
    seconds = mean(member.seconds)
    size = ratio(member.parameters, found.baseline.parameters)
    times = ratio(seconds, mean(found.baseline.seconds))
    price = (
        f"Training took {duration(seconds)}, {times} times the time "
        f"of all single-task ones; the network has {member.parameters:,} parameters, {size} times "
        "theirs."
    )
    sentences = [f"{average}: {_tasks(found, member)}.", price]
    label = found.labels[member.name]
    title = member.title if member.title != label else ""
    return Verdict(member.name, label, word, sentences, title, member.formula)


def _tasks(found: Comparison, member: MemberResult) -> str:
    """Names the tasks that got better and those that got worse."""
    words: dict[str, list[str]] = {}
    for task, rows in found.tasks.items():
        if rows:
            changes = [mean(row.changes[member.name]) for row in rows]
            words.setdefault(word_of(changes), []).append(task)
    parts = [f"{tasks_named(words[word])} {word}" for word in SIGNS if word in words]
    return "; ".join(parts) or "no task was measured"
