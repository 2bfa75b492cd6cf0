"""The graph of the tasks: which task hands on to which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from plait.core.errors import ConfigError, unknown
from plait.core.keys import safe_key

Edge = tuple[str, str]  # (source, target)


def edges_of(
    edges: Sequence[Sequence[str]] | None, tasks: Sequence[str], default: Iterable[Edge] = ()
) -> tuple[Edge, ...]:
    """Returns the edges of the tasks' graph, or the default if none are given.

    Raises:
        ConfigError: an edge is no pair, names an unknown task, joins a task with itself, or is
            given twice.

    Example:
        >>> edges_of([["click", "buy"]], ["click", "cart", "buy"])
        (('click', 'buy'),)
    """
    if edges is None:
        return tuple(default)
    found: list[Edge] = []
    for edge in edges:
        if not isinstance(edge, Sequence) or isinstance(edge, str) or len(edge) != 2:
            raise ConfigError(f"an edge must be [source, target]; found {edge!r}.")
        source, target = edge
        for task in (source, target):
            if task not in tasks:
                raise ConfigError(f"edge {source} -> {target}: {unknown('task', task, tasks)}")
        if source == target:
            raise ConfigError(f"edge {source} -> {target} joins a task with itself. Leave it out.")
        if (source, target) in found:
            raise ConfigError(f"edge {source} -> {target} is given twice. Leave one out.")
        found.append((source, target))
    return tuple(found)


def in_order(tasks: Sequence[str], edges: Iterable[Edge]) -> list[str]:
    """Returns the tasks with every source before its targets, else in their own order.

    Raises:
        ConfigError: the edges form a cycle; it names the tasks on it.

    Example:
        >>> in_order(["a", "b", "c"], [("c", "a")])
        ['b', 'c', 'a']
    """
    sorter = TopologicalSorter({task: [] for task in tasks})
    for source, target in edges:
        sorter.add(target, source)
    order: list[str] = []
    try:
        sorter.prepare()
    except CycleError as error:
        path = " -> ".join(error.args[1])
        raise ConfigError(
            f"the edges form a cycle, {path}; a task cannot wait for itself. Take one of them out, "
            "or use a symmetric connection such as CrossStitch."
        ) from None
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=list(tasks).index)
        order += ready
        sorter.done(*ready)
    return order


def written(edge: Edge) -> str:
    """Returns an edge as text.

    Example:
        >>> written(("click", "buy"))
        'click -> buy'
    """
    return f"{edge[0]} -> {edge[1]}"


def key_of(edge: Edge) -> str:
    """Returns the key of an edge in a `ModuleDict`.

    Example:
        >>> key_of(("click", "buy.v2"))
        'task:click -> buy%2Ev2'
    """
    return safe_key(written(edge))
