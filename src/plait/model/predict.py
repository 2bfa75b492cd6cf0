"""A trained model in use: inputs in, decoded predictions out, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from plait.core.devices import move
from plait.core.errors import ConfigError, DataError, ShapeError
from plait.core.outputs import Outputs
from plait.core.structure import PerTask, input_of, map_tensors, tensors
from plait.tasks.base import BaseTask
from plait.tasks.prediction import Prediction

Forward = Callable[[Any, Collection[str]], Outputs]


def predict(
    forward: Forward,
    inputs: Any,
    tasks: Mapping[str, BaseTask],
    *,
    batch_size: int | None,
    device: torch.device,
) -> dict[str, Prediction]:
    """Predicts batch by batch, and decodes what the heads give; see `MultiTaskModel.predict`.

    Args:
        forward: a forward pass of inputs for the tasks of these names.
        inputs: one common input, or `PerTask({task: inputs})`.
        tasks: `{name: task}` of the tasks that are wanted, in order.
        batch_size: examples at once; None takes all of them.
        device: where the model is.
    """
    if batch_size is not None and not (isinstance(batch_size, Integral) and batch_size >= 1):
        raise ConfigError(
            "`batch_size` must be a whole number of at least 1, or None for all examples at once; "
            f"found {batch_size!r}."
        )
    if not isinstance(inputs, PerTask):
        return _together(forward, inputs, tasks, batch_size, device)
    found: dict[str, Prediction] = {}
    for name, task in tasks.items():  # each has examples of its own, and a number of them
        own = PerTask({name: input_of(name, inputs)})
        found |= _together(forward, own, {name: task}, batch_size, device)
    return found


def _together(
    forward: Forward,
    inputs: Any,
    tasks: Mapping[str, BaseTask],
    size: int | None,
    device: torch.device,
) -> dict[str, Prediction]:
    """Predicts tasks that read the same examples."""
    found: dict[str, list[Prediction]] = {name: [] for name in tasks}
    for examples, part in _cut(inputs, size):
        outputs = forward(move(device, part), list(tasks))
        for name, task in tasks.items():
            _check(name, outputs[name], examples)
            decoded = task.decode(outputs[name], outputs.features[name].mask)
            found[name].append(_on_host(decoded))
    return {name: _joined(each) for name, each in found.items()}


def _cut(inputs: Any, size: int | None) -> Iterator[tuple[int | None, Any]]:
    """Yields each batch with the number of its examples, None where only the network knows it."""
    lengths = {len(each) if each.dim() else None for each in tensors(inputs)}
    if 0 in lengths:
        raise DataError("there is nothing to predict: `inputs` have no example.")
    if size is None or len(lengths) != 1 or None in lengths:
        yield None, inputs
        return
    total = next(length for length in lengths if length)
    for start in range(0, total, size):
        end = min(start + size, total)
        yield end - start, map_tensors(_rows(start, end), inputs)


def _rows(start: int, end: int) -> Callable[[Tensor], Tensor]:
    return lambda tensor: tensor[start:end]


def _check(task: str, prediction: Tensor, examples: int | None) -> None:
    """Raises `ShapeError` where a network has read rows that are no examples, such as nodes."""
    if examples is not None and len(prediction) != examples:
        raise ShapeError(
            f"task {task!r} has {len(prediction)} predictions for {examples} rows of the inputs, "
            "so the rows are no examples. Give batch_size=None, which does not cut them."
        )


def _on_host(prediction: Prediction) -> Prediction:
    probabilities = prediction.probabilities
    return replace(
        prediction,
        value=prediction.value.cpu(),
        probabilities=None if probabilities is None else probabilities.cpu(),
    )


def _joined(parts: Sequence[Prediction]) -> Prediction:
    if len(parts) == 1:
        return parts[0]
    some = [each.probabilities for each in parts if each.probabilities is not None]
    return replace(
        parts[0],
        value=torch.cat([each.value for each in parts]),
        probabilities=torch.cat(some) if some else None,
    )
