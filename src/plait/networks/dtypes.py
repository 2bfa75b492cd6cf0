"""Numbers of another precision than a network's: said with the conversion to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.core.errors import DataError, PlaitError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.core.structure import leaves, map_tensors, signature, tensors, told

PREFERRED = torch.float32  # of the precisions of a network, the one to convert inputs to


def mixes_floats(module: nn.Module, inputs: Any) -> bool:
    """Returns whether inputs hold floating-point numbers that none of the module's weights has.

    Example:
        >>> mixes_floats(nn.Linear(1, 1), torch.zeros(1, 1, dtype=torch.float64))
        True
    """
    own = _weights(module)
    return bool(own) and not _floats(tensors(inputs)) <= own


def conversion(module: nn.Module, inputs: Any) -> str:
    """Returns the sentences that say which tensors to convert, for inputs of other floats."""
    own = _weights(module)
    dtype = PREFERRED if PREFERRED in own else min(own, key=str)
    return (
        f"The inputs are {_names(_floats(tensors(inputs)))}, and the weights {_names(own)}. "
        f"Convert the inputs: {_call('inputs', dtype)}."
    )


def refuse_arrays(inputs: Any) -> None:
    """Raises `DataError` where a nested input holds a NumPy array in place of a tensor."""
    found = next(leaves(inputs, _is_array), None)
    if found is not None:
        to = ".float()" if found.dtype.kind == "f" else ""
        raise DataError(
            f"inputs must be tensors; found a NumPy array {list(found.shape)} of {found.dtype}. "
            f"Write `torch.from_numpy(inputs){to}`."
        )


def explain_unreadable(
    module: nn.Module, inputs: Any, error: Exception, expected: Mapping[str, Any]
) -> None:
    """Raises `DataError` if the kind of the inputs is why a module could not read them.

    Args:
        module: which failed.
        inputs: what it failed on.
        error: with which it failed.
        expected: the `signature` of inputs that it can read.
    """
    if isinstance(error, PlaitError | torch.OutOfMemoryError):
        return
    refuse_arrays(inputs)
    if not torch.is_autocast_enabled() and mixes_floats(module, inputs):
        raise DataError(
            f"the model cannot read the inputs: {error}. {conversion(module, inputs)}"
        ) from error
    given, wanted = told(signature(inputs)), told(expected)
    if given != wanted:
        raise DataError(
            f"the model was made for inputs {wanted}, and cannot read {given}: "
            f"{' '.join(str(error).split())}."
        ) from error


def precision(features: Features) -> torch.dtype:
    """Returns the dtype of the last level; the default one if it holds whole numbers."""
    dtype = features.levels[-1].dtype
    return dtype if dtype.is_floating_point else torch.get_default_dtype()


def check_precision(encoder: nn.Module, features: Features) -> None:
    """Raises `ShapeError` for features in another precision than the encoder's weights.

    A model has one precision. That of the features is what heads are made in, and they could not
    be converted with the encoder.
    """
    own = _weights(encoder)
    if own and precision(features) not in own:
        raise ShapeError(
            f"the encoder {type(encoder).__name__} gives features in "
            f"{_names([precision(features)])}, and its weights are {_names(own)}. A model has one "
            "precision: convert the features in the encoder's forward, such as by `.float()`, or "
            "the encoder and the example by `.double()`."
        )


def common_precision(shapes: Mapping[str, FeatureShape]) -> torch.dtype:
    """Returns the precision of all tasks' features; raises `ShapeError` if there are several."""
    found = {shape.dtype for shape in shapes.values()}
    if len(found) > 1:
        each = ", ".join(f"{task!r} in {_names([shape.dtype])}" for task, shape in shapes.items())
        raise ShapeError(
            f"a model has one precision; its encoders give features of {each}. Convert the "
            "encoders and their examples to one, such as by `.float()`."
        )
    return found.pop()


def in_precision_of(module: Any, example: Any) -> Any:
    """Returns an example with its floating-point numbers in the one precision of a module.

    Args:
        module: with weights of one floating-point dtype; else torch's default is taken.
        example: one batch of inputs.
    """
    own = _floats(module.parameters()) if isinstance(module, nn.Module) else set()
    dtype = own.pop() if len(own) == 1 else torch.get_default_dtype()
    return map_tensors(lambda each: each.to(dtype) if each.is_floating_point() else each, example)


def _floats(found: Iterable[Tensor]) -> set[torch.dtype]:
    return {each.dtype for each in found if each.is_floating_point()}


def _weights(module: nn.Module) -> set[torch.dtype]:
    return _floats(chain(module.parameters(), module.buffers()))


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _names(found: Iterable[torch.dtype]) -> str:
    return ", ".join(sorted(str(each).removeprefix("torch.") for each in found))


def _call(what: str, dtype: torch.dtype) -> str:
    return f"`{what}.float()`" if dtype == PREFERRED else f"`{what}.to({dtype})`"
