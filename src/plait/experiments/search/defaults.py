"""The space that is searched where nobody names one: rates, numbers of the methods, weights."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from plait.core.errors import DataError, PlaitError
from plait.experiments.build import Problem, build_job
from plait.experiments.config import RunConfig
from plait.experiments.search.dimension import Choices, Dimension, Numbers
from plait.experiments.search.places import Option, own_options, value_at
from plait.experiments.search.space import WEIGHT, Space
from plait.training.options import GroupOptions

RATE_FACTOR = 10.0  # a rate is searched from a tenth to ten times its own value
OWN_FACTOR = 3.0  # any other number from a third to three times
DECAY = (1e-5, 0.1)  # where there is none
RATIO = (0.1, 10.0)  # of two tasks' static weights
LR, DECAYS = "optimizer.lr", "optimizer.weight_decay"
SCHEDULED = "scheduler.max_lr"  # sets the rate itself, whatever `optimizer.lr` says
AS_RATES = ("strength", "alpha", "lr")  # options of methods whose scale nobody knows beforehand
# Options about digits, about cost, and about the first steps alone; they are searched by name.
LEFT_OUT = ("bound", "eps", "every", "init", "own", "seed", "std")

Refused = Callable[[RunConfig], str]


def refused(problem: Problem) -> Refused:
    """Returns a function that tells why a run cannot have some settings; "" where it can.

    It builds all objects of the run, its network too, and trains nothing. Data that break their
    rules are an error of no settings, and are raised.

    Args:
        problem: of the run.
    """

    def why(config: RunConfig) -> str:
        try:
            build_job(config, Path(), problem=problem)
        except DataError:
            raise
        except PlaitError as error:
            return str(error)
        return ""

    return why


def default_space(config: RunConfig, problem: Problem) -> Space:
    """Returns the space that is searched if nobody names one.

    The learning rate from a tenth to ten times its value, log-uniform; so the weight decay, or
    1e-5 to 0.1 where it is 0; each positive number among the options of the methods from a third
    to three times its value (of a strength, from a tenth to ten times), as far as the method takes
    it; and static weights, each task's from a tenth to ten times that of the first, where the
    balancer sees them and the rule does not: "loss" would reward a weight near 0.

    Args:
        config: the settings to start from.
        problem: which they are about; ranges end where a run of it cannot be built.
    """
    why = refused(problem)
    found: list[Dimension] = [rate(config), decay(config)]
    for option in own_options(config.described()):
        if option.key.rpartition(".")[2] not in LEFT_OUT:
            found += numbers_of(option, config, why)
    space = Space(tuple(found))
    weighted = over_weights(space, config, problem)
    return space if weights_refused(weighted, config, why) else weighted


def rate(config: RunConfig) -> Numbers:
    """Returns the range of the learning rate; of `max_lr`, where a scheduler sets it by that."""
    settings = config.described()
    key = LR if value_at(settings, SCHEDULED) is None else SCHEDULED
    own = value_at(settings, key)
    own = GroupOptions.lr if own is None else float(own)
    return Numbers(key, own / RATE_FACTOR, own * RATE_FACTOR, log=True)


def decay(config: RunConfig) -> Numbers:
    """Returns the range of the weight decay."""
    own = value_at(config.described(), DECAYS) or GroupOptions.weight_decay
    low, high = (own / RATE_FACTOR, own * RATE_FACTOR) if own else DECAY
    return Numbers(DECAYS, low, high, log=True)


def numbers_of(option: Option, config: RunConfig, why: Refused) -> Iterator[Numbers]:
    """Yields the range of a positive number among the options of a method; nothing of another.

    Args:
        option: the option.
        config: the settings that have it.
        why: tells why a run cannot have some settings.
    """
    value, kinds = option.value, _kinds(option.hint)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return
    if not kinds & {int, float}:  # a `Literal`
        return
    whole = float not in kinds
    lower, higher = _whole(int(value)) if whole else _around(option.key, float(value))
    ends = [
        next((end for end in ends if not why(_with(config, option.key, end))), value)
        for ends in (lower, higher)
    ]
    if ends[0] < ends[1]:
        yield Numbers(option.key, ends[0], ends[1], log=True, whole=whole)


def choices_of(option: Option) -> Iterator[Choices]:
    """Yields the choices of an option that has a few: words, yes or no; nothing of another."""
    found: list[Any] = []
    for each in _members(option.hint):
        if get_origin(each) is Literal:
            found += get_args(each)
        elif each is bool:
            found += [False, True]
        elif each is types.NoneType and found:
            found.append(None)
    if len(found) > 1:
        yield Choices(option.key, tuple(found))


def over_weights(
    space: Space, config: RunConfig, problem: Problem, low: float = RATIO[0], high: float = RATIO[1]
) -> Space:
    """Returns a space that is over static weights too; as it is where there is one task.

    Args:
        space: without them.
        config: the settings to start from.
        problem: whose tasks are meant.
        low: the least ratio of a task's weight to that of the first.
        high: the greatest.
    """
    first, *others = tasks = problem.tasks(config.tasks)
    if not others:
        return space
    weights = {task.name: task.weight for task in tasks}
    known = [task.name for task in problem.tasks()]
    return Space(
        (*space.dimensions, *(Numbers(f"{WEIGHT}{task.name}", low, high, True) for task in others)),
        weights={first.name: first.weight, **weights},
        absent=tuple(name for name in known if name not in weights),
    )


def weights_refused(space: Space, config: RunConfig, why: Refused) -> str:
    """Tells why static weights cannot be searched, in a sentence; "" where they can."""
    if not space.weights:
        return "a run of one task has no static weights to search."
    if config.rule == "loss":
        return (
            "static weights cannot be chosen by rule 'loss', which they change: a weight near 0 "
            "would be the best. Name another rule, or leave them out."
        )
    ratios = [each for each in space.dimensions if each.key.startswith(WEIGHT)]
    alone = Space(tuple(ratios), space.weights, space.absent)
    return why(alone.config(config, {each.key: each.at(0.9) for each in ratios}))


def _with(config: RunConfig, key: str, value: float) -> RunConfig:
    return Space((Choices(key, (value,)),)).config(config, {key: Choices(key, (value,)).at(0)})


def _whole(value: int) -> tuple[list[float], list[float]]:
    """Returns the ends of a range of integers, from those that are wanted to the value."""
    return list(range(max(1, value // 2), value)), list(range(2 * value, value, -1))


def _around(key: str, value: float) -> tuple[list[float], list[float]]:
    """Returns the ends of a range of numbers, from those that are wanted to closer ones.

    The last is half-way to 1, for shares.
    """
    factors = [OWN_FACTOR, 2.0]
    if key.rpartition(".")[2] in AS_RATES:
        factors = [RATE_FACTOR, *factors]
    lower, higher = [value / each for each in factors], [value * each for each in factors]
    return lower, [*higher, (1 + value) / 2] if value < 1 else higher


def _members(hint: Any) -> list[Any]:
    """Returns the members of an annotation that may be a union."""
    if get_origin(hint) in (Union, types.UnionType):
        return [each for member in get_args(hint) for each in _members(member)]
    return [get_args(hint)[0] if get_origin(hint) is Annotated else hint]


def _kinds(hint: Any) -> set[Any]:
    return {each for each in _members(hint) if isinstance(each, type)}
