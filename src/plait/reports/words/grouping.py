"""The proposed networks in words: which tasks, what is predicted, and what a check would cost."""

from __future__ import annotations

from plait.core.sentences import listed
from plait.reports.words.text import MISSING, duration
from plait.runs.diagnosis import Group, Grouping, Number

_MOST = 12  # tasks of a network that are named


def grouping_sentences(grouping: Grouping) -> list[str]:
    """Returns sentences on the proposal as a whole."""
    count = len(grouping.groups)
    if count == 1:
        return ["One network of all tasks is proposed: no split is predicted to do better."]
    how = "of all splits" if grouping.search == "exact" else "of the splits that were tried"
    found = [f"{count} networks are proposed, the best {how} by the affinities."]
    if grouping.gain is not None:
        found.append(
            f"Predicted: in each step a loss falls by {gain(grouping.gain)} of itself more than in "
            "one network of all tasks, on average over the tasks. A prediction is no measurement."
        )
    if grouping.check:
        time = ""
        if grouping.check_seconds is not None:
            time = f", about {duration(grouping.check_seconds)} of training"
        found.append(f"To check it{time}: {grouping.check}")
    return found


def group_name(group: Group) -> str:
    """Returns the tasks of a network as words."""
    return listed(group.tasks, _MOST)


def gain(value: Number) -> str:
    """Returns a gain in units of the affinity, a share of a loss, in per cent.

    Example:
        >>> gain(0.00123), gain(None)
        ('+0.12\\xa0%', '–')
    """
    if value is None:
        return MISSING
    return f"{100 * value + 0.0:+.2g}\N{NO-BREAK SPACE}%"
