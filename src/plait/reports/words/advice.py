"""Advice on the next step, from what a comparison shows."""

from __future__ import annotations

from plait.reports.words.text import tasks_named
from plait.reports.words.verdict import verdicts
from plait.runs import Comparison


def next_step(found: Comparison) -> str:
    """Returns a sentence on what to try where one joint network is worse for some tasks.

    Empty where no task got worse, and where several networks are compared, which have tried it.
    """
    if len(found.members) > 1:
        return ""
    worse = [verdict.label for verdict in verdicts(found) if verdict.word in ("worse", "mixed")]
    if not worse:
        return ""
    return (
        f"What to try next for {tasks_named(worse)}: parameters of their own beside the shared "
        "ones (sharing=MMoE, or sharing=Separate connections=CrossStitch); another balancer where "
        "the cosines of the gradients are often negative (balancing=UPGrad); several seeds, before "
        "a small difference is believed (--seeds 3)."
    )
