"""A whole model as plain values, for its config.json, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.errors import CheckpointError
from plait.core.structure import from_signature
from plait.model.describe import describe, rebuild
from plait.model.parts import Parts
from plait.networks import in_precision_of
from plait.tasks.base import BaseTask


def configuration(model: Parts) -> dict[str, Any]:
    """Describes a model by plain values, ready for JSON; `arguments` reads them."""
    return {
        "sharing": describe(model.sharing, leave_out=("encoder",)),
        "connections": [describe(connection) for connection in model.connections],
        "encoder": describe(model.sharing.prototype()),
        "names": list(model.tasks),
        "tasks": [describe(task) for task in model.tasks.values()],
        "regularization": [describe(regularizer) for regularizer in model.regularizers],
        "example": _plain_or_none(model.input_signature),
        "seed": model.seed,
    }


def arguments(
    config: Mapping[str, Any],
    *,
    encoder: Any = None,
    tasks: Sequence[BaseTask] | None = None,
    example: Any = None,
) -> dict[str, Any]:
    """Returns the arguments of `MultiTaskModel` that a `configuration` describes.

    Args:
        config: made by `configuration`.
        encoder: the encoder or its factory, if it is a class of the user's own.
        tasks: the tasks, if one of them is a class of the user's own or has metrics of its own.
        example: one batch of inputs, if they are objects of the user's own.

    Raises:
        CheckpointError: something can only be rebuilt by its owner's code, and is not given.
    """
    if encoder is None:
        encoder = rebuild(config["encoder"], "encoders")
    if tasks is None:
        tasks = [rebuild(task, "tasks") for task in config["tasks"]]
    return {
        "sharing": rebuild(config["sharing"], "sharing", encoder=encoder),
        "tasks": tasks,
        "example": in_precision_of(encoder, _example_of(config["example"], example)),
        "connections": [rebuild(each, "connections") for each in config["connections"]],
        "regularization": [rebuild(each, "regularization") for each in config["regularization"]],
        "seed": config["seed"],
    }


def _plain_or_none(signature: Any) -> Any:
    """Returns the signature of inputs if JSON can hold it, and None if they are other objects."""
    try:
        return json.loads(json.dumps(signature))
    except TypeError:
        return None


def _example_of(signature: Any, given: Any) -> Any:
    """Returns one batch of inputs, as given or as a file describes them.

    Raises:
        CheckpointError: the inputs were objects that no file can hold, and none are given.
    """
    if given is not None:
        return given
    if signature is None:
        raise CheckpointError(
            "this model reads objects that no file can hold. Give one batch of them: "
            "from_pretrained(folder, example=...)."
        )
    return from_signature(signature)
