"""The answer in one sentence: of a run, and of a comparison."""

from __future__ import annotations

from itertools import islice

from plait.reports.read.run import Run
from plait.reports.words.text import MISSING, against, per_cent, tasks_named
from plait.reports.words.verdict import (
    BETTER,
    UNCLEAR,
    UNDEFINED,
    WORSE,
    interval,
    label_of,
    span,
    tasks_by_verdict,
    verdict_of,
)
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import Verdict, mean


def run_headline(run: Run) -> str:
    """Counts the tasks that beat the trivial predictor on their main metric; names the others.

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


def members_by_verdict(found: Comparison) -> dict[Verdict, list[MemberResult]]:
    """Returns the members under the verdict on their mean over the tasks, the best first."""
    words: dict[Verdict, list[MemberResult]] = {}
    known = sorted(found.members, key=lambda member: -_number(mean(member.delta_m)))
    for member in known:
        words.setdefault(verdict_of(found, member.name), []).append(member)
    return words


def headline(found: Comparison) -> str:
    """Returns the answer in one sentence: whether training together helped, and by how much.

    "Better" and "worse" are said only where the corrected intervals say so.
    """
    words = members_by_verdict(found)
    if words.get(BETTER):
        return _better(found, words[BETTER])
    if set(words) == {UNDEFINED}:
        return _undefined(found)
    if UNCLEAR not in words:
        return _worse(found, words[WORSE][0])
    judged = [tasks_by_verdict(found, member.name) for member in found.members]
    told = {word for each in judged for word in (BETTER, WORSE) if word in each}
    if not told and WORSE not in words:
        return "No clear difference: nothing in this comparison can be told from noise."
    return _unclear(found, words[UNCLEAR][0])


def _better(found: Comparison, members: list[MemberResult]) -> str:
    best = members[0]
    change = found.change(best.name)
    assert change is not None
    name = label_of(found, best)
    start = "Joint training helped" if name == "joint training" else f"{name} did best"
    text = f"{start}: {_average(found)}{_than(change.mean, 'better')} {interval(change)}"
    worse = tasks_by_verdict(found, best.name).get(WORSE, [])
    text += f", but {tasks_named(worse)} got worse." if worse else "."
    if len(found.members) > 1:
        count = len(members)
        verb = "is" if count == 1 else "are"
        text += f" {count} of {len(found.members)} {verb} better than separate networks."
    return text


def _worse(found: Comparison, best: MemberResult) -> str:
    change = found.change(best.name)
    assert change is not None
    by = f"{_than(change.mean, 'worse')} {interval(change)}"
    if len(found.members) == 1:
        better = tasks_by_verdict(found, best.name).get(BETTER, [])
        rest = f", although {tasks_named(better)} got better" if better else ""
        return f"Joint training did not help: {_average(found)}{by}{rest}."
    return (
        "Nothing did better than separate networks: "
        f"{_average(found)}the best, {label_of(found, best)}, is {by}."
    )


def _unclear(found: Comparison, best: MemberResult) -> str:
    words = tasks_by_verdict(found, best.name)
    rest = "".join(
        f", {'and' if word == BETTER else 'but'} {tasks_named(words[word])} got {word}"
        for word in (BETTER, WORSE)
        if word in words
    )
    many = len(found.members) > 1
    start = "Nothing is clearly better than separate networks" if many else "No clear difference"
    which = f"; the best, {label_of(found, best)}:" if many else ":"
    return f"{start} on average over the tasks{which} {span(found.change(best.name))}{rest}."


def _undefined(found: Comparison) -> str:
    if not found.changes:
        return "What helped cannot be told from noise: no interval was measured."
    if all(all(member.failed) for member in found.members):
        return "What helped cannot be said: all but the separate networks failed."
    return "What helped cannot be said: there is no mean over the tasks."


def _average(found: Comparison) -> str:
    return "on average over the tasks, " if len(found.metrics) > 1 else ""


def _than(change: float, word: str) -> str:
    return f"{per_cent(change, sign='')} {word} than separate networks"


def _number(value: float) -> float:
    return value if value == value else float("-inf")
