"""From a comparison to one recommendation, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from plait.core.sentences import MOST_NAMES, listed
from plait.evaluation import relative_change
from plait.runs.comparison import Change, Comparison, mean
from plait.runs.comparison_member import MemberResult

LEVEL = 1.0  # per cent behind separate networks on validation that still count as level

Action = Literal["joint", "grouped", "separate", "cheaper"]


@dataclass(frozen=True)
class Recommended:
    """One way to train all tasks, in words.

    Attributes:
        action: see `plait.runs.advice.Advice`.
        member: the name of the member; "single" for separate networks.
        headline: the recommendation, with numbers.
        sentences: what else is to be known.
    """

    action: Action
    member: str
    headline: str
    sentences: list[str]


def recommend(found: Comparison) -> Recommended:
    """Returns the recommendation of a comparison.

    The member with the greatest mean gain on the validation split stands for joint training. The
    test split, read once, then says whether that can be told from separate networks; it does not
    choose among members.

    Args:
        found: separate networks against the finalists.
    """
    best = max(found.members, key=lambda member: _or_least(validation_gain(found, member)))
    gain, change = validation_gain(found, best), found.change(best.name)
    told = _others(found)
    if math.isnan(gain) or change is None:
        text = "Keep the tasks separate: no joint network came to a result"
        return Recommended("separate", found.baseline.name, f"{text}.", told)
    if gain < -LEVEL and change.verdict != "better":
        way = f"the best joint way, {_way(best)}, was behind on validation"
        text = f"{_separate(found)}: {way}, and is {_worse(change)}"
        return Recommended("separate", found.baseline.name, f"{text}.", told)
    if change.verdict == "worse":
        ahead = "ahead" if gain > 0 else "level"
        text = (
            f"{_separate(found)}: {_way(best)} was {ahead} on validation, but is {_worse(change)}"
        )
        return Recommended("separate", found.baseline.name, f"{text}.", told)
    size = best.parameters / found.baseline.parameters
    cost = f"with {100 * size:.0f} % of the parameters"
    harmed = _harmed(found, best)
    if change.verdict == "better":
        text = f"{_train(found, best)}: {_span(change)} over separate networks, {cost}{harmed}"
        return Recommended(_action(best), best.name, f"{text}.", told)
    unclear = f"no measurable difference from separate networks ({_span(change)}"
    if change.low > 0:
        unclear += ", which chance among so many comparisons may give: more seeds would tell"
    if size < 1:
        text = f"{_train(found, best)}: {unclear}), {cost}{harmed}"
        return Recommended("cheaper", best.name, f"{text}.", told)
    text = (
        f"{_separate(found)}: the best joint way, {_way(best)}, makes {unclear}), and is no "
        f"smaller ({best.parameters:,} parameters against {found.baseline.parameters:,}){harmed}"
    )
    return Recommended("cheaper", found.baseline.name, f"{text}.", told)


def validation_gain(found: Comparison, member: MemberResult) -> float:
    """Returns the mean gain over separate networks on the validation split, in per cent.

    The mean over the tasks of that of their main metric, over the seeds; NaN where one is missing.
    """
    gains = []
    for task, infos in found.metrics.items():
        metric, info = next(iter(infos.items()))
        own = member.validation.get(task, {}).get(metric)
        base = found.baseline.validation.get(task, {}).get(metric)
        if own is None or base is None:
            return math.nan
        each = relative_change(own, base, higher_is_better=info.higher_is_better)
        gains.append(float(each.mean()))
    return mean(gains) if gains else math.nan


def _others(found: Comparison) -> list[str]:
    """Says which joint networks are worse, and what could not be told apart."""
    told = []
    for member in found.members:
        total = found.change(member.name)
        if member.kind == "joint" and total is not None and total.verdict == "worse":
            told.append(f"{member.title} is worse than separate networks: {_span(total)}.")
    if not any(change.verdict in ("better", "worse") for change in found.changes):
        told.append("Nothing in this comparison can be told from noise.")
    return told


def _harmed(found: Comparison, best: MemberResult) -> str:
    worse = [
        f"`{change.task}` {-change.mean:.1f} %"
        for change in found.changes
        if change.member == best.name and change.task and change.verdict == "worse"
    ]
    return f"; it costs {', '.join(worse)}" if worse else ""


def groups_of(member: MemberResult) -> list[list[str]]:
    """Returns the groups of tasks of a member that trains an encoder for each; empty for others."""
    sharing = member.settings.get("sharing")
    found = sharing.get("groups") if isinstance(sharing, dict) else None
    return found if isinstance(found, list) else []


def _action(member: MemberResult) -> Action:
    return "grouped" if groups_of(member) else "joint"


def _train(found: Comparison, member: MemberResult) -> str:
    groups = groups_of(member)
    if not groups:
        return f"Train {_all(found.metrics)} together with {_way(member)}"
    together = [_some(group) for group in groups if len(group) > 1]
    apart = [group[0] for group in groups if len(group) == 1]
    text = f"Train {'; '.join(f'{each} together' for each in together)}"
    return f"{text}, keep {_some(apart)} apart" if apart else text


def _separate(found: Comparison) -> str:
    return f"Keep {_all(found.metrics)} separate"


def _way(member: MemberResult) -> str:
    return member.title[:1].lower() + member.title[1:] if " " in member.title else member.title


def _worse(change: Change) -> str:
    return f"at {_span(change)} against separate networks"


def _span(change: Change) -> str:
    """Says a change with its interval, such as "+2.1 % [0.8, 3.4]"."""
    return f"{change.mean:+.1f} % {_ends(change)}"


def _ends(change: Change) -> str:
    if math.isnan(change.low):
        return "[no interval]"
    return f"[{change.low:.1f}, {change.high:.1f}]"


def _all(tasks: Collection[str]) -> str:
    return _some(list(tasks)) if len(tasks) <= MOST_NAMES else f"all {len(tasks)} tasks"


def _some(tasks: Sequence[str]) -> str:
    return listed([f"`{task}`" for task in tasks], MOST_NAMES)


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value
