"""Nested inputs: tensors in dicts, lists, tuples, and the two marks `PerTask` and `Masked`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from plait.core.annotations import shown
from plait.core.errors import ConfigError, unknown


class PerTask(dict[str, Any]):
    """Marks inputs that differ by task, ``PerTask({task: inputs})``.

    A plain dict is one common input.
    """


class Masked(NamedTuple):
    """A padded input with its mask.

    Attributes:
        values: padded tensor `[B, N, ...]`.
        mask: boolean `[B, N]`, true where a position is real.
    """

    values: Tensor
    mask: Tensor


class Pass(NamedTuple):
    """One input and the tasks that read it.

    Attributes:
        inputs: one common input, never `PerTask`.
        tasks: names of the tasks, at least one.
    """

    inputs: Any
    tasks: list[str]


def passes_of(inputs: Any, tasks: Sequence[str]) -> list[Pass]:
    """Splits inputs into passes: one of all tasks, or one of each task where the inputs differ.

    Args:
        inputs: one common input, or `PerTask({task: inputs})`.
        tasks: the tasks that are wanted, in order; without any there is no pass.

    Raises:
        ConfigError: `PerTask` has no input of a wanted task.

    Example:
        >>> passes_of(PerTask(a=1, b=2), ["b"]), passes_of(3, ["a", "b"])
        ([Pass(inputs=2, tasks=['b'])], [Pass(inputs=3, tasks=['a', 'b'])])
    """
    if isinstance(inputs, PerTask):
        return [Pass(input_of(task, inputs), [task]) for task in tasks]
    return [Pass(inputs, list(tasks))] if tasks else []


def input_of(task: str, inputs: Any) -> Any:
    """Returns the input that a task reads: its own of `PerTask`, else the common one.

    Raises:
        ConfigError: `PerTask` has no input of the task.
    """
    if not isinstance(inputs, PerTask):
        return inputs
    if task not in inputs:
        raise ConfigError(unknown("input of task", task, inputs))
    return inputs[task]


def map_tensors(function: Callable[[Tensor], Any], structure: Any) -> Any:
    """Applies `function` to every tensor of a nested structure and keeps all else as it is.

    Example:
        >>> import torch
        >>> nested = {"a": torch.zeros(2), "b": [torch.zeros(3, 1), "s"]}
        >>> map_tensors(lambda x: tuple(x.shape), nested)
        {'a': (2,), 'b': [(3, 1), 's']}
    """
    return map_leaves(function, structure, _is_tensor)


def tensors(structure: Any) -> Iterator[Tensor]:
    """Yields the tensors of a nested structure in order."""
    return leaves(structure, _is_tensor)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def map_leaves(
    function: Callable[[Any], Any], structure: Any, is_leaf: Callable[[Any], bool]
) -> Any:
    """Applies `function` to every leaf of a nested structure and keeps all else as it is.

    Args:
        function: from a leaf to what stands in its place.
        structure: dicts, lists and tuples of anything.
        is_leaf: tells a leaf, which may itself be a dict or a tuple; it is not looked into.
    """
    if is_leaf(structure):
        return function(structure)
    if isinstance(structure, Mapping):
        items = {key: map_leaves(function, each, is_leaf) for key, each in structure.items()}
        return PerTask(items) if isinstance(structure, PerTask) else items
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(map_leaves(function, each, is_leaf) for each in structure))
    if isinstance(structure, list | tuple):
        return type(structure)(map_leaves(function, each, is_leaf) for each in structure)
    return structure


def leaves(structure: Any, is_leaf: Callable[[Any], bool]) -> Iterator[Any]:
    """Yields the leaves of a nested structure in order; see `map_leaves`."""
    if is_leaf(structure):
        yield structure
    elif isinstance(structure, Mapping):
        for each in structure.values():
            yield from leaves(each, is_leaf)
    elif isinstance(structure, list | tuple):
        for each in structure:
            yield from leaves(each, is_leaf)


def signature(structure: Any) -> Any:
    """Returns shapes and dtypes of a nested input as plain values; the batch axis is left out.

    Example:
        >>> import torch
        >>> signature([torch.zeros(8, 3, 4)])
        {'kind': 'list', 'items': [{'kind': 'tensor', 'shape': [3, 4], 'dtype': 'float32'}]}
    """
    if isinstance(structure, Tensor):
        dtype = str(structure.dtype).removeprefix("torch.")
        return {"kind": "tensor", "shape": list(structure.shape[1:]), "dtype": dtype}
    if isinstance(structure, Mapping):
        kind = "per_task" if isinstance(structure, PerTask) else "dict"
        return {"kind": kind, "items": {key: signature(value) for key, value in structure.items()}}
    if isinstance(structure, list | tuple):
        kind = "masked" if isinstance(structure, Masked) else "list"
        return {"kind": kind, "items": [signature(value) for value in structure]}
    return {"kind": "value", "value": structure}


def told(described: Any) -> str:
    """Returns a `signature` as a message shows it.

    Example:
        >>> import torch
        >>> told(signature({"image": torch.zeros(8, 3, 4), "path": "x"}))
        "{'image': [B, 3, 4] float32, 'path': 'x'}"
    """
    kind = described["kind"]
    if kind == "tensor":
        return f"[{', '.join(['B', *map(str, described['shape'])])}] {described['dtype']}"
    if kind == "value":
        return shown(described["value"])
    items = described["items"]
    if kind in ("dict", "per_task"):
        return f"{{{', '.join(f'{key!r}: {told(each)}' for key, each in items.items())}}}"
    return f"({', '.join(map(told, items))})"


def from_signature(described: Any, batch: int = 2) -> Any:
    """Returns zeros of a `signature`, with `batch` examples."""
    kind = described["kind"]
    if kind == "tensor":
        return torch.zeros(batch, *described["shape"], dtype=getattr(torch, described["dtype"]))
    if kind == "value":
        return described["value"]
    items = described["items"]
    if kind in ("dict", "per_task"):
        filled = {key: from_signature(value, batch) for key, value in items.items()}
        return PerTask(filled) if kind == "per_task" else filled
    values = [from_signature(value, batch) for value in items]
    return Masked(*values) if kind == "masked" else values
