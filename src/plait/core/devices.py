"""Nested inputs on a device: tensors, and objects that know themselves how to move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from plait.core.structure import PerTask

PLAIN = frozenset({dict, list, tuple, PerTask, str, bytes, int, float, bool, type(None)})


def is_on(device: torch.device, structure: Any) -> bool:
    """Tells whether all tensors are on `device`; False if an object might hold one elsewhere."""
    if isinstance(structure, Tensor):
        return structure.device == device
    if _moves_itself(structure):
        return False
    if isinstance(structure, Mapping):
        return all(is_on(device, value) for value in structure.values())
    if isinstance(structure, list | tuple):
        return all(is_on(device, value) for value in structure)
    return True


def move(device: torch.device, structure: Any) -> Any:
    """Moves every tensor of a nested structure, and every object in it that has a method `to`.

    Example:
        >>> from torch.nn.utils.rnn import pack_sequence
        >>> words = pack_sequence([torch.zeros(3), torch.zeros(2)])
        >>> type(move(torch.device("cpu"), {"words": words})["words"]).__name__
        'PackedSequence'
    """
    if isinstance(structure, Tensor):
        return structure.to(device, non_blocking=True)
    if _moves_itself(structure):
        return structure.to(device)
    if isinstance(structure, Mapping):
        items = {key: move(device, value) for key, value in structure.items()}
        return PerTask(items) if isinstance(structure, PerTask) else items
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(move(device, value) for value in structure))
    if isinstance(structure, list | tuple):
        return type(structure)(move(device, value) for value in structure)
    return structure


def _moves_itself(structure: Any) -> bool:
    """Also of a dict or tuple: packed sequences, tokens of a library, batches of graphs."""
    return type(structure) not in PLAIN and callable(getattr(structure, "to", None))
