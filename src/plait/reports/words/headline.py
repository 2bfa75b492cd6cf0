"""The answer in one sentence: of a run, and of a comparison."""

from __future__ import annotations

from itertools import islice

from plait.reports.read.run import Run
from plait.reports.words.text import MISSING, against, judgement, per_cent, tasks_named
from plait.reports.words.verdict import beyond_spread, verdicts
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import mean


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


def headline(found: Comparison) -> str:
    """Returns the answer in one sentence: whether joint training helped, or which member did best.

    Both are judged by the mean over the tasks and seeds.
    """
    if len(found.members) == 1:
        return _whether_it_helped(found, found.members[0])
    return _which_did_best(found)


def _whether_it_helped(found: Comparison, member: MemberResult) -> str:
    """Returns the answer, and names the tasks for which it does not hold."""
    judged = verdicts(found)
    better, worse = (
        [verdict.label for verdict in judged if verdict.word == word]
        for word in ("better", "worse")
    )
    change = mean(member.delta_m)
    word, size = judgement(change), per_cent(change, sign="")
    if word in ("better", "worse") and not beyond_spread(member.delta_m):
        return (
            "The seeds do not tell whether joint training helped: on average over the tasks and "
            f"seeds, {size} {word}, within the spread of the seeds."
        )
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


def _which_did_best(found: Comparison) -> str:
    best = found.best
    if best is None:
        return "Which network did best cannot be said on average over the tasks."
    name, change = found.labels[best.name], mean(best.delta_m)
    word, size = judgement(change), per_cent(change, sign="")
    if word == "worse":
        return (
            "No joint network did better than single-task ones: on average over the tasks, the "
            f"best, {name}, is {size} worse."
        )
    if word == "equal":
        return f"On average over the tasks, the best, {name}, is as good as single-task networks."
    count = len(found.members)
    helped = sum(
        judgement(mean(member.delta_m)) == "better" and beyond_spread(member.delta_m)
        for member in found.members
    )
    others = f"All {count}" if helped == count else f"{helped} of {count}"
    margin = "" if len(found.seeds) == 1 else " by more than the seeds differ"
    return (
        f"{name} did best: on average over the tasks, {size} better than single-task "
        f"networks. {others} joint networks did better than these{margin}."
    )
