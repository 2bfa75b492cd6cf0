"""Advice on what to do, from what a comparison shows."""

from __future__ import annotations

from plait.reports.words.headline import members_by_verdict
from plait.reports.words.text import ratio, tasks_named
from plait.reports.words.verdict import (
    BETTER,
    UNCLEAR,
    UNDEFINED,
    WORSE,
    label_of,
    price,
    tasks_by_verdict,
)
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import mean

_TRY = (
    "What to try: parameters of their own beside the shared ones (sharing=MMoE, or "
    "sharing=Separate connections=CrossStitch), or another balancer where the cosines of the "
    "gradients are often negative (balancing=UPGrad)."
)


def action(found: Comparison) -> str:
    """Recommends a next step, in one to three sentences."""
    words = members_by_verdict(found)
    if words.get(BETTER):
        return _take(found, words[BETTER][0])
    if not found.changes:
        return "Keep separate networks until intervals tell a difference from noise."
    if set(words) == {UNDEFINED}:
        return (
            "Keep separate networks until this is known: mend what failed, and run the comparison "
            "again. It takes the runs that are finished."
        )
    if UNCLEAR in words:
        return _by_cost(found, words[UNCLEAR])
    text = "Keep a network for each task."
    return f"{text} {_TRY}" if len(found.members) == 1 else text


def _take(found: Comparison, best: MemberResult) -> str:
    title = best.title if best.kind == "joint" else label_of(found, best)
    verb = {
        "joint": f"Train the tasks together: {title}.",
        "merged": f"Merge the separate networks: {title}.",
        "classical": f"Use {title}: no network that was trained here is as good.",
        "single": f"Keep a network for each task: {title}.",
    }[best.kind]
    worse = tasks_by_verdict(found, best.name).get(WORSE, [])
    keep = ""
    if worse and best.kind in ("joint", "merged"):
        keep = (
            f"If {tasks_named(worse)} matters more than the average, keep it apart; the network "
            "of the others alone was not trained here."
            if len(worse) == 1
            else f"If {tasks_named(worse)} matter more than the average, keep them apart; the "
            "network of the others alone was not trained here."
        )
    return " ".join(filter(None, [verb, keep, price(found, best)]))


def _by_cost(found: Comparison, members: list[MemberResult]) -> str:
    size = found.baseline.parameters
    small = [
        member
        for member in members
        if member.kind in ("joint", "single")
        and 0 < member.parameters < size
        and WORSE not in tasks_by_verdict(found, member.name)
    ]
    more = "More seeds or more test rows would narrow the intervals."
    if not small:
        return f"Keep a network for each task: nothing smaller is as good. {more}"
    cheapest = min(small, key=lambda member: (member.parameters, mean(member.seconds)))
    name = label_of(found, cheapest)
    return (
        f"Choose by cost: {name}, not measurably worse on any task with "
        f"{ratio(cheapest.parameters, size)} times the parameters. {more}"
    )
