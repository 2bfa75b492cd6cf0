"""Verdicts on the members of a comparison, as its corrected intervals have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from plait.reports.words.text import MISSING, decimal, duration, per_cent, ratio, tasks_named
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import Change, Verdict, mean
from plait.runs.comparison_member import ALL

BETTER: Final = "better"
WORSE: Final = "worse"
UNCLEAR: Final = "no clear difference"
UNDEFINED: Final = "undefined"
SIGNS: Mapping[Verdict, str] = {BETTER: "▲", WORSE: "▼", UNCLEAR: "≈", UNDEFINED: "?"}
SINGLE = "Separate networks"


@dataclass(frozen=True)
class Card:
    """A few lines on one task, or on one member.

    Attributes:
        of: the task, or the member, that is judged.
        label: its short name.
        word: the verdict.
        sentences: the numbers behind it.
        title: its name in full; empty if the label is.
        formula: what it minimises; empty for a task.
    """

    of: str
    label: str
    word: Verdict
    sentences: list[str]
    title: str = ""
    formula: str = ""

    @property
    def sign(self) -> str:
        """A shape for the word, so that the eye need not read colours."""
        return SIGNS[self.word]


def verdict_of(found: Comparison, member: str, task: str = ALL) -> Verdict:
    """Returns the verdict on a member: on the main metric of a task, or on the mean over all."""
    change = found.change(member, task)
    return UNDEFINED if change is None else change.verdict


def tasks_by_verdict(found: Comparison, member: str) -> dict[Verdict, list[str]]:
    """Returns the tasks under each verdict on a member that there is."""
    words: dict[Verdict, list[str]] = {word: [] for word in SIGNS}
    for task in found.metrics:
        words[verdict_of(found, member, task)].append(task)
    return {word: tasks for word, tasks in words.items() if tasks}


def span(change: Change | None) -> str:
    """Returns a change with its interval, in per cent.

    Example:
        >>> nan = float("nan")
        >>> span(None)
        '–'
    """
    if change is None or change.mean != change.mean:
        return MISSING
    middle = per_cent(change.mean)
    return middle if change.low != change.low else f"{middle} {interval(change)}"


def interval(change: Change) -> str:
    """Returns the ends of the interval of a change."""
    return f"[{decimal(change.low)},\N{NO-BREAK SPACE}{decimal(change.high)}]"


def label_of(found: Comparison, member: MemberResult) -> str:
    """Returns the short name of a member; a lone joint network is "joint training"."""
    if len(found.members) == 1 and member.kind == "joint":
        return "joint training"
    return found.labels[member.name]


def cards(found: Comparison) -> list[Card]:
    """Returns a card for each task where there is one member, else for each member."""
    if len(found.members) == 1:
        (member,) = found.members
        return [_task_card(found, member, task) for task in found.metrics]
    return [_member_card(found, member) for member in found.members]


def price(found: Comparison, member: MemberResult) -> str:
    """Returns a sentence: time and size of a member against the separate networks."""
    base = found.baseline
    parts = []
    if member.parameters and base.parameters:
        parts.append(f"{ratio(member.parameters, base.parameters)} times their parameters")
    seconds, total = mean(member.seconds), mean(base.seconds)
    if seconds > 0 and total > 0:
        parts.append(f"{ratio(seconds, total)} times their training time ({duration(seconds)})")
    if not parts:
        return ""
    return f"Against the separate networks: {' and '.join(parts)}."


def _task_card(found: Comparison, member: MemberResult, task: str) -> Card:
    changes = [found.change(member.name, task, metric) for metric in found.metrics[task]]
    details = [
        f"{metric}: {span(change)}"
        for metric, change in zip(found.metrics[task], changes, strict=True)
    ]
    return Card(task, task, verdict_of(found, member.name, task), details)


def _member_card(found: Comparison, member: MemberResult) -> Card:
    words = tasks_by_verdict(found, member.name)
    told = "; ".join(f"{tasks_named(tasks)} {word}" for word, tasks in words.items())
    change = found.change(member.name)
    average = per_cent(mean(member.delta_m)) if change is None else span(change)
    sentences = [f"On average {average}. {_capital(told)}."]
    sentences += filter(None, [price(found, member), *failures_of(found, member)])
    label = found.labels[member.name]
    title = member.title if member.title != label else ""
    return Card(
        member.name, label, verdict_of(found, member.name), sentences, title, member.formula
    )


def failures_of(found: Comparison, member: MemberResult) -> list[str]:
    """Returns a sentence for each reason for which a member has no numbers, with its seeds."""
    seeds: dict[str, list[int]] = {}
    for seed, reason in zip(found.seeds, member.failed, strict=True):
        if reason:
            seeds.setdefault(reason.rstrip("."), []).append(seed)
    name = SINGLE if member.name == found.baseline.name else found.labels[member.name]
    return [f"{_lost(found, name, each)}: {text}." for text, each in seeds.items()]


def _lost(found: Comparison, name: str, seeds: Sequence[int]) -> str:
    if len(seeds) == len(found.seeds):
        return f"No numbers of {name}"
    many = "seeds" if len(seeds) > 1 else "seed"
    return f"{name} failed from {many} {', '.join(map(str, seeds))}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
