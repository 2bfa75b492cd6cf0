"""Which family did best, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plait.reports.read.families import Families, FamilyRun
from plait.reports.words.text import duration, judgement, per_cent, ratio
from plait.reports.words.verdict import SIGNS, tasks_named, word_of


@dataclass(frozen=True)
class FamilyVerdict:
    """What one family came to.

    Attributes:
        folder: of its run.
        label: its short name.
        name: in full.
        formula: what it minimises.
        word: "better", "worse", "equal" or "not comparable", by the mean over the tasks.
        sign: a shape for the word, so that the eye need not read colours.
        sentences: the mean, the tasks, and the cost.
    """

    folder: str
    label: str
    name: str
    formula: str
    word: str
    sign: str
    sentences: list[str]


def best_of(found: Families) -> FamilyRun | None:
    """Returns the run with the greatest mean change, the first of equal ones."""
    known = [run for run in found.runs if not math.isnan(_mean(run))]
    return max(known, key=_mean, default=None)


def family_headline(found: Families) -> str:
    """Returns the answer in one sentence."""
    best = best_of(found)
    if best is None:
        return "Which family did best cannot be said on average over the tasks."
    name, mean = found.labels[best.folder], _mean(best)
    word, size = judgement(mean), per_cent(mean, sign="")
    if word == "worse":
        return (
            "No family did better than single-task networks: on average over the tasks, the best, "
            f"{name}, is {size} worse."
        )
    if word == "equal":
        return f"On average over the tasks, the best, {name}, is as good as single-task networks."
    helped, count = sum(judgement(_mean(run)) == "better" for run in found.runs), len(found.runs)
    others = f"All {count} families" if helped == count else f"{helped} of {count} families"
    rest = f" {others} did better than these." if count > 1 else ""
    return (
        f"{name} did best: on average over the tasks, {size} better than single-task "
        f"networks.{rest}"
    )


def family_verdicts(found: Families) -> list[FamilyVerdict]:
    """Returns the verdict on each family, in the order of the runs."""
    return [_verdict(found, run) for run in found.runs]


def _verdict(found: Families, run: FamilyRun) -> FamilyVerdict:
    mean = _mean(run)
    word = judgement(mean)
    average = {
        "equal": "On average over the tasks as good as single-task networks",
        "not comparable": "No mean over the tasks can be taken",
    }.get(word, f"On average over the tasks {per_cent(mean, sign='')} {word} than single-task ones")
    sentences = [f"{average}: {_tasks(found, run)}.", _cost(found, run)]
    label = found.labels[run.folder]
    return FamilyVerdict(run.folder, label, run.name, run.formula, word, SIGNS[word], sentences)


def _tasks(found: Families, run: FamilyRun) -> str:
    """Returns which tasks got better and which worse."""
    words: dict[str, list[str]] = {}
    for task, rows in found.tasks.items():
        changes = [_known(row.changes.get(run.folder)) for row in rows]
        words.setdefault(word_of(changes), []).append(task)
    parts = [f"{tasks_named(words[word])} {word}" for word in SIGNS if word in words]
    return "; ".join(parts) or "no task was measured"


def _cost(found: Families, run: FamilyRun) -> str:
    seconds = math.fsum(found.seconds.single.values())
    size = ratio(run.parameters, found.parameters.single)
    return (
        f"Training took {duration(run.seconds)}, {ratio(run.seconds, seconds)} times the time of "
        f"all single-task ones; the network has {run.parameters:,} parameters, {size} times theirs."
    )


def _mean(run: FamilyRun) -> float:
    return _known(run.delta_m)


def _known(value: float | None) -> float:
    return math.nan if value is None else value
