"""Findings beside the answer of a comparison: losses, failures, and how sure all of it is."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.sentences import listed
from plait.reports.words.text import per_cent
from plait.reports.words.verdict import (
    BETTER,
    UNCLEAR,
    WORSE,
    failures_of,
    interval,
    label_of,
    verdict_of,
)
from plait.runs import Comparison, MemberResult
from plait.runs.comparison import Change
from plait.runs.comparison_member import ALL

MOST_SENTENCES = 8
_MOST_MEMBERS = 3  # that a sentence names


def transfer_sentences(found: Comparison) -> list[str]:
    """Returns a sentence for each task that got worse by training together; the worst first.

    Networks that were trained together stand before merged ones, which lose most.
    """
    losses: list[tuple[float, str]] = []
    for task in found.metrics:
        worse = [
            (change.mean, member, change)
            for member in found.members
            if member.kind in ("joint", "merged")
            and (change := found.change(member.name, task)) is not None
            and change.verdict == WORSE
        ]
        if worse:
            worse.sort(key=lambda each: (each[1].kind != "joint", each[0]))
            losses.append((worse[0][0], _transfer(found, task, [each[1:] for each in worse])))
    losses.sort()
    sentences = [text for _, text in losses[:MOST_SENTENCES]]
    if len(losses) > MOST_SENTENCES:
        rest = len(losses) - MOST_SENTENCES
        sentences.append(f"{rest} more tasks got worse with one network or another; see the table.")
    return sentences


def _transfer(found: Comparison, task: str, worse: list[tuple[MemberResult, Change]]) -> str:
    named = [
        f"{label_of(found, member)} ({per_cent(change.mean)} {interval(change)})"
        for member, change in worse[:_MOST_MEMBERS]
    ]
    more = len(worse) - len(named)
    if more:
        named.append(f"{more} more")
    metric = next(iter(found.metrics[task]))
    return f"Negative transfer: {task} ({metric}) got worse with {listed(named)}."


def noise_sentence(found: Comparison) -> str:
    """Says how sure the verdicts are, and where nothing can be told from noise."""
    judged = [change for change in found.changes if change.adjusted == change.adjusted]
    clear = [change for change in judged if change.verdict in (BETTER, WORSE)]
    if not judged:
        return ""
    tasks = [change for change in judged if change.task != ALL]
    count = f"{len(tasks)} comparison{'s' if len(tasks) != 1 else ''}"
    seeds = (
        "with one seed they hold the noise of the test part alone, and not what another training "
        "would change"
        if len(found.seeds) == 1
        else f"they join the noise of the test part and of {len(found.seeds)} seeds"
    )
    how = f"Intervals are of 95 %: {seeds}. Verdicts are corrected for {count} (Holm)."
    if clear:
        return how
    ends = [(change.low, change.high) for change in judged if change.verdict == UNCLEAR]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return (
        "Nothing can be told from noise: differences between "
        f"{per_cent(low)} and {per_cent(high)} are possible. {how}"
    )


def failure_sentences(found: Comparison) -> list[str]:
    """Names the members that failed, and those without a mean over the tasks."""
    everyone = [found.baseline, *found.members]
    failed = [text for member in everyone for text in failures_of(found, member)]
    unknown = [
        label_of(found, member)
        for member in found.members
        if found.changes
        and verdict_of(found, member.name) == "undefined"
        and not any(member.failed)
    ]
    if unknown:
        failed.append(f"The mean over the tasks is undefined for {listed(unknown)}.")
    return failed


def reading_sentence(tested: int, found: Comparison) -> str:
    """Says how the test part was read, and that choices were made without it.

    Args:
        tested: how many networks were evaluated on the test part; a log with two such evaluations
            is refused when it is read.
        found: the comparison.
    """
    trials = {member.trials for member in (found.baseline, *found.members)}
    if trials == {0}:
        tuned = "All choices were made on the validation part alone."
    else:
        most = _range(sorted(trials))
        tuned = (
            f"Settings ({most} trials each) and epochs were chosen on the validation part alone."
        )
    networks = "1 network" if tested == 1 else f"{tested} networks"
    return f"{tuned} The test part was read once by each of {networks}, after that choice."


def _range(numbers: Sequence[int]) -> str:
    least, most = numbers[0], numbers[-1]
    return str(most) if least == most else f"{least} to {most}"
