"""The set-up of a training as plain values: to be read, and to be compared on resuming."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.core.lookup import attributes_of, parameters
from plait.model import MultiTaskModel

Settings = dict[str, Any]

MOST_VALUES = 64  # of a tensor that is written out
MOST_DEPTH = 8  # of objects in objects


def described(value: Any, depth: int = MOST_DEPTH) -> Any:
    """Returns a value as JSON and ``torch.load(weights_only=True)`` can hold it.

    An object becomes its class and those arguments of its constructor that it keeps under their
    own names; a function its name; a large tensor its shape and a digest.

    Args:
        value: anything.
        depth: of the objects in objects that are described; below it there are names alone.

    Example:
        >>> from plait.balancing import CAGrad
        >>> described({"balancer": CAGrad(c=0.5), "lr": 0.1})["balancer"]["c"]
        0.5
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray | Tensor):
        return _tensor(torch.as_tensor(value))
    if isinstance(value, type) or inspect.isroutine(value):
        return value.__qualname__
    if depth == 0:
        return type(value).__name__
    if isinstance(value, partial):
        given = {"arguments": value.args, **value.keywords}
        return {"class": described(value.func), **described(given, depth - 1)}
    if isinstance(value, Mapping):
        return {str(key): described(each, depth - 1) for key, each in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(str(described(each, depth - 1)) for each in value)
    if isinstance(value, list | tuple):
        return [described(each, depth - 1) for each in value]
    return {"class": type(value).__name__, **described(_arguments(value), depth - 1)}


def model_settings(model: MultiTaskModel) -> Settings:
    """Returns a model's settings beside its weights: options of its methods, frozen parameters.

    Encoders are left out: their shapes are compared with the weights.
    """
    sharing = described(model.sharing)
    sharing.pop("encoder", None)
    return {
        "tasks": {name: described(task) for name, task in model.tasks.items()},
        "sharing": sharing,
        "connections": described(list(model.flow.connections.all)),
        "regularization": described(list(model.regularizers)),
        "frozen": [name for name, p in model.named_parameters() if not p.requires_grad],
    }


def _arguments(value: Any) -> dict[str, Any]:
    """Returns the constructor's arguments that an object keeps under their own names."""
    try:
        names = parameters(type(value))
    except (TypeError, ValueError):  # made in C, without a signature
        return {}
    kept = attributes_of(value)
    return {name: kept[name] for name in names if name in kept}


def _tensor(value: Tensor) -> Any:
    if value.numel() <= MOST_VALUES:
        return value.tolist()
    content = value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
    return {"shape": list(value.shape), "digest": hashlib.sha256(content).hexdigest()[:16]}
