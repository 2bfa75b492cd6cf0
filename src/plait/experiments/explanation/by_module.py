"""Parameters by module, and by the set of tasks that train them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn

from plait.runs.diagnosis import SharedBy

DEPTH = 2  # names in the path of a module whose parameters serve the same tasks
FOLDED = 6  # modules side by side, of one task each, that are still named one by one


@dataclass(frozen=True)
class ModuleRow:
    """Parameters below one module that serve the same tasks.

    Attributes:
        module: path of the module or of the parameter; "heads.*" for many side by side.
        tasks: the tasks whose loss depends on them.
        parameters: how many numbers.
        shape: of a single parameter; empty for several.
        frozen: whether they are kept as they are.
        each: whether every one of the tasks has some of its own among them.
    """

    module: str
    tasks: list[str]
    parameters: int
    shape: list[int]
    frozen: bool = False
    each: bool = False


@dataclass(frozen=True)
class _Leaf:
    """One parameter: the rest of its path, itself, and the tasks that it serves."""

    path: list[str]
    parameter: Tensor
    tasks: tuple[str, ...]


def by_module(
    model: nn.Module, tasks: Mapping[str, Sequence[str]], depth: int = DEPTH
) -> list[ModuleRow]:
    """Groups parameters by module: a module whose parameters serve the same tasks is one row.

    More than six modules side by side that serve one task each, all of them different ones, are one
    row together.

    Args:
        model: its parameters, trained and frozen, are all in one row each.
        tasks: `{name of a parameter: tasks}`; see `Reached`.
        depth: names in a path, at least 1, down to which modules are told apart in any case.

    Example:
        >>> model = nn.ModuleDict({"trunk": nn.Linear(2, 3), "head": nn.Linear(3, 1)})
        >>> of = {name: ["a"] if "head" in name else ["a", "b"] for name in model.state_dict()}
        >>> [(row.module, row.parameters, row.tasks) for row in by_module(model, of, 1)]
        [('trunk', 9, ['a', 'b']), ('head', 4, ['a'])]
    """
    leaves = [
        _Leaf(name.split("."), parameter, tuple(tasks.get(name, ())))
        for name, parameter in model.named_parameters()
    ]
    return list(_rows("", leaves, depth))


def by_tasks(model: nn.Module, tasks: Mapping[str, Sequence[str]]) -> list[SharedBy]:
    """Adds up the trained parameters by the set of tasks that they serve, the largest set first.

    Args:
        model: see `by_module`.
        tasks: likewise.
    """
    totals: dict[tuple[str, ...], int] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            key = tuple(tasks.get(name, ()))
            totals[key] = totals.get(key, 0) + parameter.numel()
    return [
        SharedBy(tasks=list(key), parameters=count)
        for key, count in sorted(totals.items(), key=lambda item: (-len(item[0]), -item[1]))
    ]


def _rows(prefix: str, leaves: Sequence[_Leaf], depth: int) -> Iterator[ModuleRow]:
    """Yields the rows of the modules below `prefix`, of which the leaves have the rest of paths."""
    children: dict[str, list[_Leaf]] = {}
    for leaf in leaves:
        head, *rest = leaf.path
        children.setdefault(head, []).append(replace(leaf, path=rest))
    found: list[list[ModuleRow]] = []
    for name, below in children.items():
        path = f"{prefix}.{name}" if prefix else name
        alike = len({(leaf.tasks, leaf.parameter.requires_grad) for leaf in below}) == 1
        if alike and (depth <= 1 or not all(leaf.path for leaf in below)):
            found.append([_row(path, below)])
        else:
            inner = [leaf for leaf in below if leaf.path]
            own = [leaf for leaf in below if not leaf.path]
            found.append([_row(path, [leaf]) for leaf in own])
            found[-1] += _rows(path, inner, depth - 1)
    yield from _folded(prefix, found)


def _row(path: str, leaves: Sequence[_Leaf]) -> ModuleRow:
    first = leaves[0]
    return ModuleRow(
        path,
        list(first.tasks),
        sum(leaf.parameter.numel() for leaf in leaves),
        list(first.parameter.shape) if len(leaves) == 1 and not first.path else [],
        frozen=not first.parameter.requires_grad,
    )


def _folded(prefix: str, children: Sequence[Sequence[ModuleRow]]) -> list[ModuleRow]:
    """Returns the rows of modules side by side; many that serve one task each are one row."""
    rows = [row for each in children for row in each]
    owners = [each[0].tasks for each in children]  # of the first row of each
    of_one = len({tuple(owner) for owner in owners if len(owner) == 1}) == len(children)
    alike = all(row.tasks == each[0].tasks for each in children for row in each)
    frozen = {row.frozen for row in rows}
    if len(children) <= FOLDED or not (of_one and alike) or len(frozen) > 1:
        return rows
    total, names = sum(row.parameters for row in rows), [owner[0] for owner in owners]
    return [ModuleRow(f"{prefix}.*".lstrip("."), names, total, [], frozen.pop(), each=True)]
