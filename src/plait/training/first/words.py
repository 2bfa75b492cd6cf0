"""The findings of the first steps in two lines, and the error of a task that cannot learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plait.core.errors import ConfigError
from plait.runs import EventLog, FirstStepsSeen
from plait.training.first.steps import FirstSteps, Seen
from plait.training.step import StepRecord

FAR = 10.0  # times between two losses, from which one may drown the other
MOST = 6  # names in a line
PATIENT = 3  # times the steps of a task, after which the tasks that had few labels are not awaited
OFF = "`first_steps=0` leaves this check out."


def judged(first: FirstSteps, record: StepRecord, log: EventLog, step: int) -> list[str]:
    """Counts a step; once all tasks were judged, returns and logs what the first steps have shown.

    Tasks that seldom have labels are not waited for: of those, what is odd is said later.

    Args:
        first: has watched the step.
        record: of the step.
        log: gets a `FirstStepsSeen`.
        step: its number.

    Returns:
        The lines that are to be said after this step; empty most of the time.

    Raises:
        ConfigError: a task cannot learn; see `refuse`.
    """
    if not first.active:
        return []
    done = first.after(record)
    refuse(first.seen, done)
    weights = {task: first.model.tasks[task].weight for task in first.seen}
    said: list[str] = []
    if first.said:
        each = ((task, _odd(first.seen[task])) for task in done)
        said = [f"first {first.count} steps of {task}: {text}" for task, text in each if text]
    elif not first.active or (first.some and step >= PATIENT * first.count):
        said, first.said = lines(first.seen, weights, first.count), True
    if said:
        log.write(FirstStepsSeen(step=step, lines=said))
    return said


def refuse(seen: Mapping[str, Seen], judged: Sequence[str]) -> None:
    """Raises the error of a task that cannot learn.

    Raises:
        ConfigError: no gradient reaches its head; it reads a parameter that is not trained; its
            labels, predictions or static weight do not reach its loss.
    """
    for task in judged:
        reason = fault(seen[task])
        if reason:
            raise ConfigError(f"task {task!r} cannot learn: {reason} {OFF}")


def fault(seen: Seen) -> str:
    """Returns why a task cannot learn, and what to look at; "" if it can."""
    steps = f"in each of its first {seen.steps} steps"
    if seen.untrained:
        return (
            f"its predictions come from a parameter {seen.untrained} that the optimizer does not "
            "have. Make it part of the head's module (an attribute, not an entry of a list)."
        )
    if seen.head is False and not seen.moved:
        return (
            f"its loss did not reach its head {steps}. Look for a `detach` in the head, and "
            "whether the loss reads the prediction of this task."
        )
    if not seen.moved and seen.weighted and seen.predictions is False:
        return (
            f"its loss is constant: its gradient was 0 {steps}, and other predictions give the "
            "same loss."
        )
    if seen.moved and seen.labels is False:
        return (
            "its labels do not reach its loss, which was the same with other labels "
            f"{steps}. Look at what the loss reads."
        )
    if not seen.static:
        return "its static weight does not multiply its loss. Look at `losses` of the model."
    return ""


def lines(seen: Mapping[str, Seen], weights: Mapping[str, float], count: int) -> list[str]:
    """Returns two lines on the tasks that were judged: what reaches what, and how far apart.

    Args:
        seen: `{task: what its steps have shown}`.
        weights: `{task: static weight}`.
        count: steps over which a task is judged.

    Example:
        >>> good = dict(steps=20, head=True, trunk=True, moved=True, weighted=True)
        >>> found = {"seg": Seen(**good, loss=20.0), "depth": Seen(**good, loss=12800.0)}
        >>> for line in lines(found, {"seg": 1.0, "depth": 1.0}, 20):
        ...     print(line)
        first 20 steps: labels and gradients of all 2 tasks reach what learns
        losses: depth is 640 times seg; a weight or another balancing method may help seg
    """
    judged = {task: each for task, each in seen.items() if each.steps >= count}
    odd = [f"{task}: {text}" for task, each in judged.items() if (text := _odd(each))]
    waiting = [f"{task} ({each.steps})" for task, each in seen.items() if task not in judged]
    whole = f"all {len(judged)} tasks" if len(judged) == len(seen) else _tasks(len(judged))
    whole = "the task" if len(seen) == 1 else whole
    first = f"first {count} steps: labels and gradients of {whole} reach what learns"
    if odd:
        first = f"first {count} steps: {_listed(odd)}; all else reaches what learns"
    if waiting:
        first += f"; fewer steps with labels: {_listed(waiting)}"
    return [first, *_apart(judged, weights)]


def _odd(seen: Seen) -> str:
    """Returns a finding that is odd but no fault; "" if there is none."""
    if not seen.weighted:
        return "the balancing method gave it weight 0 in every step"
    if not seen.moved:
        return "its gradient was 0 in every step"
    if seen.trunk is False:
        return "its gradient reaches its head alone, not the trunk"
    return ""


def _apart(judged: Mapping[str, Seen], weights: Mapping[str, float]) -> list[str]:
    """Returns the line on the sizes of the losses; none of a single one."""
    sizes = {task: abs(each.loss) / each.steps for task, each in judged.items()}
    sizes = {task: size for task, size in sizes.items() if size > 0}
    if len(sizes) < 2:
        return []
    small, large = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    times = sizes[large] / sizes[small]
    static = [f"{task} {weights[task]:g}" for task in judged if weights[task] != 1.0]
    acting = f" with the static weights ({_listed(static)})" if static else ""
    text = f"losses{acting}: {large} is {times:,.3g} times {small}"
    if times >= FAR:
        text += f"; a weight or another balancing method may help {small}"
    return [text]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {more} more" if more > 0 else "")


def _tasks(number: int) -> str:
    return f"{number} task{'' if number == 1 else 's'}"
