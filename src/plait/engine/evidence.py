"""Numbers of a step on the host: the one place where a step waits for the device."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from plait.balancing.contract.checks import check_finite
from plait.core.errors import ConfigError, NonFiniteError
from plait.core.exponents import LONG, SHORT, lost_products, mended, outside
from plait.core.lazy_values import names_of
from plait.core.numbers import Numbers
from plait.core.shards import is_shard, local
from plait.distributed.shards import joined_sums
from plait.engine.gathered import Gathered, Named, Own
from plait.gradients import lengths, reached_by, to_host
from plait.networks.joined import joined_of


def read(step: Gathered, own: Own = (), rows: Tensor | None = None) -> None:
    """Copies what a step has on the device to the host, in one copy; refuses what is not finite.

    Afterwards its losses are on the host, and so are its weights and its Gramian, if it has any.

    Args:
        step: its losses, penalties and gradients are checked.
        own: `(parameter, task, gradient)`, further gradients to check.
        rows: lengths `[B, T]` of the rows of B batches behind a Gramian whose diagonal does not
            tell them.

    Raises:
        NonFiniteError: a loss, a penalty or a gradient is NaN or infinite; it names the tasks.
        ConfigError: a loss is negative where it must not be.
    """
    own, tasks = list(own), names_of(step.losses)
    # It may hold the route, which holds the step: a circle would outlive the step, and keep its
    # gradients and graph until Python looks for garbage.
    gramian, multiply = step.gramian, step.multiply
    step.gramian = step.multiply = None
    gradients = [gradient for _, gradient in step.gradients.values()]
    measured = lengths([*gradients, *(gradient for _, _, gradient in own)])
    noted = (*step.other_losses, *step.penalties, *step.new_weights)
    further = [each for each in (gramian, rows) if each is not None]
    values = [step.values_of(tasks), measured, *(each for _, each in noted)]
    found = iter(to_host([*values, *further]))
    step.known_losses = Numbers(tasks, next(found))
    known_lengths = next(found).tolist()
    losses = [step.known_losses, *_numbers(step.other_losses, found)]
    penalties = _numbers(step.penalties, found)
    for weights in _numbers(step.new_weights, found):
        others = step.weights.keys() - weights if step.weights else ()
        step.weights = {**step.weights, **weights} if others else weights
    _check_scalars(losses, penalties, positive=step.balancer.positive_losses)
    step.other_losses, step.penalties, step.new_weights = [], [], []
    if multiply is not None:
        products, of_rows = next(found), None if rows is None else next(found)
        step.matrix, step.rows = _products(step, multiply, products, of_rows)
    if not math.isfinite(sum(known_lengths)):
        measured = lengths([*gradients, *(gradient for _, _, gradient in own)], torch.float64)
        known_lengths = to_host([measured])[0].tolist()  # single precision may not hold squares
    step.lengths, at_gradients = measured[: len(gradients)], known_lengths[: len(gradients)]
    at_own = zip(own, known_lengths[len(gradients) :], strict=True)
    step.own_lengths = [(task, length) for (_, task, _), length in at_own]
    step.other_lengths = sum(at_gradients)
    if not math.isfinite(sum(known_lengths)):
        _refuse(step, at_gradients)


def _products(
    step: Gathered,
    multiply: Callable[[torch.dtype], Tensor],
    found: np.ndarray,
    rows: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the Gramian `[..., T, T]` and the lengths `[T]` of the rows behind it.

    Raises:
        NonFiniteError: a gradient is not finite; it names the tasks.
    """
    again = partial(multiply, torch.float64)
    if rows is None:
        matrix = mended(found, lost_products(found), again)
        squares = np.diagonal(matrix, axis1=-2, axis2=-1).reshape(-1, len(step.tasks))
        measured: np.ndarray = np.sqrt(squares.clip(min=0).sum(axis=0))
    else:
        lost = outside(rows)
        matrix = mended(found, lost[0][:, None] | lost[1], again)
        measured = rows.sum(axis=0)
    check_finite(matrix, step.tasks)
    return matrix, measured


def _numbers(noted: Iterable[Named], found: Iterator[np.ndarray]) -> list[Numbers]:
    """Takes from `found` the values of what was noted under names."""
    return [Numbers(names, next(found)) for names, _ in noted]


def _check_scalars(given: Sequence[Numbers], beside: Sequence[Numbers], *, positive: bool) -> None:
    """Refuses losses and penalties that are not finite, or negative where they must not be."""
    finite = all(np.isfinite(each.array).all() for each in (*given, *beside))
    if finite and not (positive and any((each.array < 0).any() for each in given)):
        return
    losses, penalties = (
        [pair for each in some for pair in each.items()] for some in (given, beside)
    )
    broken = [f"the loss of task {t!r} is {v}" for t, v in losses if not math.isfinite(v)]
    broken += [
        f"the penalty {name!r} is {value}" if name else f"the penalty is {value}"
        for name, value in penalties
        if not math.isfinite(value)
    ]
    if broken:
        way = "Lower the learning rate, clip gradients, or check the task's labels and loss."
        if len(losses) > 1 and not any(math.isfinite(value) for _, value in losses):
            way = (
                "All losses at once: look at the inputs for NaN and infinity first, then at the "
                "shared weights, and lower the learning rate or clip gradients."
            )
        raise NonFiniteError(
            f"{', '.join(dict.fromkeys(broken))}; nothing was changed. {way}",
            [task for task, value in losses if not math.isfinite(value)],
        )
    task, value = next((task, value) for task, value in losses if value < 0)
    raise ConfigError(
        f"the losses must not be negative for this balancer; found {value:g} for task {task!r}. "
        "Take another loss or balancer."
    )


def _refuse(step: Gathered, at_gradients: Sequence[float]) -> None:
    """Raises for gradients that are not finite although every loss is.

    Args:
        step: its own lengths have been read.
        at_gradients: the lengths of its gathered gradients; an infinite one may be of finite
            entries.
    """
    broken = [task for task, length in step.own_lengths if not math.isfinite(length)]
    pairs = zip(step.gradients.values(), at_gradients, strict=True)
    where = [p for (p, g), length in pairs if not math.isfinite(length) and not _holds(g)]
    if not broken and not where:  # double precision, whose squares alone are beyond its numbers
        return
    if step.replicas is None:
        reached = {id(parameter): tasks for parameter, tasks in reached_by(step.latest)}
    else:  # another process may have the labels of the task
        reached = step.replicas.tasks_at
    found = [each for p in where for each in _tasks_at(step, p, reached.get(id(p), ()))]
    if not broken:  # one task's parameters tell more than those of several
        single = [tasks for tasks in found if len(tasks) == 1]
        broken = [task for tasks in single or found for task in tasks]
    names = ", ".join(map(repr, dict.fromkeys(broken)))
    whose = f" of task {names}" if names else ""
    raise NonFiniteError(
        f"the gradient{whose} is not finite although every loss is; nothing was changed. Lower the "
        "learning rate, or look for a division, logarithm or square root at 0 in the model.",
        broken,
    )


def _tasks_at(
    step: Gathered, parameter: Tensor, reaching: tuple[str, ...]
) -> list[tuple[str, ...]]:
    """Returns the tasks of a gradient that is not finite: each alone, if it is of joined heads."""
    joined = joined_of(parameter)
    if joined is None:
        return [reaching]
    finite = step.gradients[id(parameter)][1].flatten(1).isfinite().all(1).tolist()
    return [(task,) for task, each in zip(joined.tasks, finite, strict=True) if not each]


def _holds(gradient: Tensor) -> bool:
    """Returns whether all entries are finite, and so large only as double precision allows."""
    if gradient.dtype != torch.float64:
        return False
    broken = (~local(gradient).isfinite()).sum()
    return not bool(joined_sums(broken, gradient) if is_shard(gradient) else broken)


def is_outside(step: Gathered) -> bool:
    """Returns whether single precision may not hold the square of the gradient's length.

    Args:
        step: decided; what is on the host tells it.
    """
    return not SHORT < min(step.bound, step.other_lengths or math.inf) < LONG
