"""Nested inputs on a device: tensors, and objects that know themselves how to move."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from plait.core.structure import PerTask, leaves, map_leaves

PLAIN = frozenset({dict, list, tuple, PerTask, str, bytes, int, float, bool, type(None)})


def is_on(device: torch.device, structure: Any) -> bool:
    """Tells whether all tensors are on `device`; False if an object might hold one elsewhere."""
    return all(
        isinstance(each, Tensor) and each.device == device for each in leaves(structure, _moves)
    )


def move(device: torch.device, structure: Any) -> Any:
    """Moves every tensor of a nested structure, and every object in it that has a method `to`.

    Example:
        >>> from torch.nn.utils.rnn import pack_sequence
        >>> words = pack_sequence([torch.zeros(3), torch.zeros(2)])
        >>> type(move(torch.device("cpu"), {"words": words})["words"]).__name__
        'PackedSequence'
    """

    def moved(each: Any) -> Any:
        if isinstance(each, Tensor):
            return each.to(device, non_blocking=True)
        return each.to(device)

    return map_leaves(moved, structure, _moves)


def _moves(value: Any) -> bool:
    """Also of a dict or tuple: packed sequences, tokens of a library, batches of graphs."""
    known = type(value) in PLAIN
    return isinstance(value, Tensor) or (not known and callable(getattr(value, "to", None)))
