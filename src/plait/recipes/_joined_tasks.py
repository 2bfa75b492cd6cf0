"""The tasks of several sources, one of each name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.errors import ConfigError
from plait.core.lookup import attributes_of, parameters
from plait.tasks import BaseTask

# Options that follow from a source's data: they may differ, and those of the first source count
OF_THE_DATA = ("class_weights", "prior", "mean", "scale")

MOST = 20  # classes in a message


def joined_tasks(by_source: Mapping[str, Sequence[BaseTask]]) -> list[BaseTask]:
    """Returns the tasks of several sources; one that several have is the first one's.

    Raises:
        ConfigError: two sources define a task of one name in different ways.
    """
    found: dict[str, tuple[str, BaseTask]] = {}
    for source, tasks in by_source.items():
        for task in tasks:
            if task.name in found:
                _check_alike(*found[task.name], source, task)
            else:
                found[task.name] = source, task
    return [task for _, task in found.values()]


def _check_alike(first: str, one: BaseTask, second: str, other: BaseTask) -> None:
    where = f"the sources {first!r} and {second!r} must define task {one.name!r} alike; found"
    way = "Give one of the two another name, or the same definition."
    if type(one) is not type(other):
        raise ConfigError(f"{where} {type(one).__name__} and {type(other).__name__}. {way}")
    if one.names and other.names and list(one.names) != list(other.names):
        raise ConfigError(
            f"{where} the classes {_listed(one.names)} and {_listed(other.names)}. State all of "
            f"them for both, in one order (`classes: [...]` beside the kind of a table's task), or "
            "give one of the two tasks another name."
        )
    mine, others = _definition(one), _definition(other)
    for name in mine:
        if mine[name] != others.get(name):
            raise ConfigError(f"{where} `{name}` {mine[name]} and {others.get(name)}. {way}")


def _listed(names: Sequence[Any]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{', '.join(map(str, names[:MOST]))}{more}"


def _definition(task: BaseTask) -> dict[str, Any]:
    """Returns the plain options of a task that its data do not say."""
    kept = attributes_of(task)
    names = [name for name in parameters(type(task)) if name in kept and name not in OF_THE_DATA]
    plain = (str, int, float, bool, list, tuple, type(None))
    found = {name: kept[name] for name in names if isinstance(kept[name], plain)}
    return {n: list(each) if isinstance(each, tuple) else each for n, each in found.items()}
