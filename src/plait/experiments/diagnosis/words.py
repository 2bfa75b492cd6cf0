"""A diagnosis in plain sentences with its numbers, and what to do."""

from __future__ import annotations

import math

from plait.core.sentences import MOST_NAMES, listed
from plait.experiments.diagnosis.opposed import LEAST
from plait.runs.diagnosis import Diagnosis, Forecast

FAR = 10.0  # times between two losses, from which one may drown the other
MOST_GROUPS = 6  # in a sentence
LARGE = 0.8  # share of the update of one of several tasks, from which it is named
NO_BALANCER = "a balancer will not pay"
NO_PROJECTION = "a method that resolves conflicts will not pay"


def sentences(found: Diagnosis) -> list[str]:
    """Returns the findings, the most important first.

    Args:
        found: without its sentences.
    """
    if len(found.tasks) == 1:
        return [f"There is one task, {found.tasks[0]}: nothing can conflict."]
    said = [_conflict(found), _groups(found), _scales(found), _update(found), _cost(found)]
    return [sentence for sentence in said if sentence]


def advice(found: Diagnosis) -> str:
    """Recommends a next step, in a sentence or two.

    Args:
        found: without its sentences.
    """
    if len(found.tasks) == 1:
        return "Train it as it is; a balancer and a sharing are for several tasks."
    groups = [] if found.grouping is None else found.grouping.groups
    if len(groups) > 1:
        way = "; ".join(listed(group.tasks, MOST_NAMES) for group in groups)
        return (
            f"Train {len(groups)} networks, one for each of these groups: {way}. It is a "
            "prediction: check it by a comparison before it is believed."
        )
    if found.opposed:
        return (
            "Keep the tasks in one network, and try a method that resolves conflicts "
            "(balancing=UPGrad), or parameters of their own beside the shared ones (sharing=MMoE)."
        )
    if _apart(found) >= FAR or _drowning(found):
        return (
            "Keep the tasks together; give the small losses a weight, or take a method that evens "
            "out scales (balancing=UncertaintyWeights)."
        )
    if found.conflict is None:
        return (
            "Nothing is shared. Take a sharing (sharing=Hard) and an encoder with parameters, or "
            "tie the networks (regularization=MeanRegularized)."
        )
    if found.batches < LEAST:
        return f"Diagnose it on at least {LEAST} batches of training data."
    return f"Keep the tasks together with the plain sum (balancing=Equal): {NO_BALANCER}."


def _conflict(found: Diagnosis) -> str:
    if found.conflict is None:
        return "The tasks share no parameter that is trained, so their gradients cannot conflict."
    if len(found.conflict.tasks) < 2:
        return "The tasks' gradients at the shared parameters are zero, so they cannot conflict."
    if found.conflict.cosine is None:
        return "No batch had labels of two tasks that share parameters, so none could be compared."
    rate, mean = found.conflict.rate or 0.0, found.conflict.cosine
    seen = f"mean cosine {mean:+.2f}, below zero in {100 * rate:.0f} % of the pairs and batches"
    if found.batches < LEAST:
        return f"Too few batches to tell whether tasks are in conflict: {found.batches} ({seen})."
    if not found.opposed:
        vain = NO_PROJECTION if _drowning(found) else NO_BALANCER
        return f"No conflict seen between the tasks' gradients ({seen}): {vain}."
    worst = found.opposed[0]
    pairs = len(found.tasks) * (len(found.tasks) - 1) // 2
    return (
        f"{len(found.opposed)} of {pairs} pairs of tasks are in conflict, beyond the noise of "
        f"{found.batches} batches ({seen}); the worst: {worst.first} and {worst.second}, cosine "
        f"{worst.cosine:+.2f} [{worst.low:+.2f}, {worst.high:+.2f}]."
    )


def _groups(found: Diagnosis) -> str:
    grouping = found.grouping
    if grouping is None or found.affinity is None:
        return ""
    if len(grouping.groups) == 1:
        return (
            f"By their affinities ({found.affinity.method}) all {len(found.tasks)} tasks belong in "
            "one network."
        )
    article = "an exact" if grouping.search == "exact" else f"a {grouping.search}"
    way = "; ".join(listed(group.tasks, MOST_NAMES) for group in grouping.groups[:MOST_GROUPS])
    rest = len(grouping.groups) - MOST_GROUPS
    more = f"; and {rest} more" if rest > 0 else ""
    gain = ""
    if grouping.gain is not None:
        gain = f" (predicted: {100 * grouping.gain:.2g} % of a loss more in a step)"
    time = ""
    if grouping.check_seconds is not None:
        time = f"; checking it takes about {duration(grouping.check_seconds)}"
    return (
        f"By their affinities ({found.affinity.method}, {article} search) "
        f"{len(grouping.groups)} networks are better than one{gain}: {way}{more}{time}."
    )


def _scales(found: Diagnosis) -> str:
    times = _apart(found)
    if times < FAR:
        return ""
    sizes = _sizes(found)
    small, large = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    return f"The loss of {large} is {times:,.3g} x that of {small}."


def _update(found: Diagnosis) -> str:
    shares, large = found.known_shares, _drowning(found)
    against = [task for task, share in shares.items() if share < 0]
    said = f"{large} is {100 * shares[large]:.0f} % of the plain sum's update." if large else ""
    if against:
        said += f" The update works against {listed(against, MOST_NAMES)}."
    return said.strip()


def _drowning(found: Diagnosis) -> str:
    """Returns the task that is nearly all of the update; "" if none is."""
    shares = found.known_shares
    large = max(shares, key=shares.__getitem__, default="")
    return large if large and shares[large] >= LARGE else ""


def _cost(found: Diagnosis) -> str:
    usable = [each for each in found.forecast if each.ratio is not None]
    if len(usable) < 2:
        return ""
    plain, last = usable[0], usable[-1]
    assert plain.seconds is not None and last.ratio is not None
    return (
        f"A step of the plain sum takes {1e3 * plain.seconds:.3g} ms and {mib(plain)}; the other "
        f"balancers take up to {last.ratio:.1f} x the time ({last.balancer})."
    )


def mib(forecast: Forecast) -> str:
    """Returns the memory of a forecast in MiB."""
    return "" if forecast.memory is None else f"{forecast.memory / 2**20:,.0f} MiB"


def duration(seconds: float) -> str:
    """Returns a time in the unit that suits it.

    Example:
        >>> duration(4.2), duration(300), duration(9000)
        ('4 seconds', '5 minutes', '2.5 hours')
    """
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def _sizes(found: Diagnosis) -> dict[str, float]:
    sizes = {task: abs(each.loss) for task, each in found.losses.items() if each.loss is not None}
    return {task: size for task, size in sizes.items() if size > 0 and math.isfinite(size)}


def _apart(found: Diagnosis) -> float:
    """Returns the ratio of the largest and the smallest loss; 1 without two."""
    sizes = list(_sizes(found).values())
    return max(sizes) / min(sizes) if len(sizes) > 1 else 1.0
