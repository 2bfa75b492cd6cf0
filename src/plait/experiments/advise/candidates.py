"""The few members that a diagnosis speaks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plait.experiments.comparison.defaults import CHOSEN, TIED
from plait.experiments.comparison.member import PLAIN, Member
from plait.runs.diagnosis import Diagnosis

MOST = 5
UNEVEN = 10.0  # times: between the lengths of the tasks' gradients, from which one drowns another
SMALL_SHARE = 0.1  # of an even share in the update

_KNOWN = {member.name: member for member in CHOSEN}


@dataclass(frozen=True)
class Reasoned:
    """A candidate.

    Attributes:
        member: what is trained.
        reason: what speaks for it.
    """

    member: Member
    reason: str


def candidates(found: Diagnosis, worse: Sequence[str]) -> list[Reasoned]:
    """Returns the members that the diagnosis speaks for, the strongest reason first.

    Tasks in conflict speak for parameters of their own (networks by group, MMoE, cross-stitch) and
    for UPGrad; tasks that drown in the update for uncertainty weights; a task that joint training
    makes worse for a network of its own. Without any of these, uncertainty weights and tied
    networks are tried, as the cheapest ways to find that something was missed.

    Args:
        found: the diagnosis of a short joint training.
        worse: tasks for which the plain joint network is worse on validation than their own.
    """
    reasoned: list[Reasoned] = []
    reasoned += _groups(found, worse)
    if found.opposed:
        first = found.opposed[0]
        pair = f"`{first.first}` and `{first.second}` pull against each other"
        pair += f" (cosine {first.cosine:.2f})"
        reasoned.append(Reasoned(_KNOWN["mmoe"], f"{pair}: experts let them part"))
        reasoned.append(Reasoned(_KNOWN["cross-stitch"], f"{pair}: networks of their own, mixed"))
        reasoned.append(Reasoned(_KNOWN["upgrad"], f"{pair}: no step harms either"))
    elif worse:
        text = f"joint training costs {_named(worse)}, and no conflict of gradients says why"
        reasoned.append(Reasoned(_KNOWN["cross-stitch"], text))
        reasoned.append(Reasoned(_KNOWN["mmoe"], text))
    drowned = _drowned(found)
    if drowned:
        reasoned.append(Reasoned(_KNOWN["uncertainty-weights"], drowned))
    if not reasoned:
        text = "nothing stands against joint training; a cheap balancer may still help"
        reasoned.append(Reasoned(_KNOWN["uncertainty-weights"], text))
    if not found.opposed:
        text = "no conflict was seen, so that networks of their own can be tied to each other"
        reasoned.append(Reasoned(TIED, text))
    return reasoned[:MOST]


def grouped(groups: Sequence[Sequence[str]], name: str = "grouped") -> Member:
    """Returns the member that trains an encoder for each group of tasks."""
    title = "; ".join(" + ".join(group) for group in groups)
    sharing = {"class": "Hard", "groups": [list(group) for group in groups]}
    formula = "min sum_t L_t, one encoder for each group"
    return Member(name, f"Grouped: {title}", formula, {**PLAIN, "sharing": sharing})


def _groups(found: Diagnosis, worse: Sequence[str]) -> list[Reasoned]:
    """Returns the proposed groups, and those that keep apart the tasks that got worse."""
    reasoned = []
    proposed = [group.tasks for group in found.grouping.groups] if found.grouping else []
    if 1 < len(proposed) < len(found.tasks):
        text = "a step for one group does not help the other, by the affinities"
        reasoned.append(Reasoned(grouped(proposed), text))
    together = [task for task in found.tasks if task not in worse]
    apart = [together, *([task] for task in worse)]
    known = {frozenset(group) for group in proposed}
    if worse and len(together) > 1 and {frozenset(group) for group in apart} != known:
        text = f"joint training costs {_named(worse)}"
        reasoned.append(Reasoned(grouped(apart, "apart"), text))
    return reasoned


def _drowned(found: Diagnosis) -> str:
    """Says which task has hardly a share in the update; "" if all have one."""
    even = 1 / max(len(found.tasks), 1)
    small = [task for task, share in found.known_shares.items() if share < SMALL_SHARE * even]
    if small:
        have = "has" if len(small) == 1 else "have"
        return f"{_named(small)} {have} hardly a share in the update"
    norms: Mapping[str, float] = {
        task: each.norm for task, each in found.losses.items() if each.norm
    }
    if norms and max(norms.values()) > UNEVEN * min(norms.values()):
        first, last = max(norms, key=norms.__getitem__), min(norms, key=norms.__getitem__)
        times = norms[first] / norms[last]
        return f"the gradient of `{first}` is {times:.0f} times as long as that of `{last}`"
    return ""


def _named(tasks: Sequence[str]) -> str:
    return ", ".join(f"`{task}`" for task in tasks)
