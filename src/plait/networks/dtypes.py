"""Numbers of another precision than a network's: said with the conversion to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.core.errors import DataError, ShapeError
from plait.core.features import Features
from plait.core.structure import tensors

MADE_IN = torch.float32  # heads and connections


def mixes_floats(module: nn.Module, inputs: Any) -> bool:
    """Returns whether inputs hold floating-point numbers that none of the module's weights has.

    Example:
        >>> mixes_floats(nn.Linear(1, 1), torch.zeros(1, 1, dtype=torch.float64))
        True
    """
    own = _floats(chain(module.parameters(), module.buffers()))
    return bool(own) and not _floats(tensors(inputs)) <= own


def conversion(module: nn.Module, inputs: Any) -> str:
    """Returns the sentences that say which tensors to convert, for inputs of other floats."""
    own = _floats(chain(module.parameters(), module.buffers()))
    return (
        f"The inputs are {_names(_floats(tensors(inputs)))}, and the weights {_names(own)}. "
        f"Convert the inputs: {_call('inputs', MADE_IN if MADE_IN in own else min(own, key=str))}."
    )


def refuse_arrays(inputs: Any) -> None:
    """Raises `DataError` where a nested input holds a NumPy array in place of a tensor."""
    found = next(_arrays(inputs), None)
    if found is not None:
        to = ".float()" if found.dtype.kind == "f" else ""
        raise DataError(
            f"inputs must be tensors; found a NumPy array {list(found.shape)} of {found.dtype}. "
            f"Write `torch.from_numpy(inputs){to}`."
        )


def explain_unreadable(module: nn.Module, inputs: Any, error: Exception) -> None:
    """Raises `DataError` if the kind of the inputs is why a module could not read them.

    Args:
        module: which failed.
        inputs: what it failed on.
        error: with which it failed.
    """
    refuse_arrays(inputs)
    if not torch.is_autocast_enabled() and mixes_floats(module, inputs):
        raise DataError(
            f"the model cannot read the inputs: {error}. {conversion(module, inputs)}"
        ) from error


def check_features(encoder: nn.Module, features: Features) -> None:
    """Raises `ShapeError` for features that the heads, made in float32, cannot read."""
    found = _floats(features.levels) - {MADE_IN}
    if found:
        raise ShapeError(
            f"the encoder {type(encoder).__name__} gives features in {_names(found)}, and heads "
            "are made in float32. Give it and the example in float32 (`encoder.float()`, "
            "`example.float()`), and convert the whole model once it is made, such as by "
            "`model.double()`; the inputs are then in that precision."
        )


def _floats(found: Iterable[Tensor]) -> set[torch.dtype]:
    return {each.dtype for each in found if each.is_floating_point()}


def _arrays(structure: Any) -> Iterator[np.ndarray]:
    if isinstance(structure, np.ndarray):
        yield structure
    elif isinstance(structure, dict | list | tuple):
        for each in structure.values() if isinstance(structure, dict) else structure:
            yield from _arrays(each)


def _names(found: Iterable[torch.dtype]) -> str:
    return ", ".join(sorted(str(each).removeprefix("torch.") for each in found))


def _call(what: str, dtype: torch.dtype) -> str:
    return f"`{what}.float()`" if dtype == MADE_IN else f"`{what}.to({dtype})`"
