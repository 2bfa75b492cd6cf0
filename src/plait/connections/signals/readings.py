"""Predictions as probabilities or numbers, by their kind."""

from __future__ import annotations

from torch import Tensor

from plait.core.errors import UnsupportedError
from plait.core.kinds import Kind


def readable(prediction: Tensor, kind: Kind) -> Tensor:
    """Returns the probabilities of classes and labels, and numbers as they are.

    Example:
        >>> import torch
        >>> readable(torch.zeros(1, 2), Kind("classes"))
        tensor([[0.5000, 0.5000]])
    """
    if kind.of == "classes":
        return prediction.softmax(dim=kind.axis)
    return prediction.sigmoid() if kind.of == "labels" else prediction


def log_odds(prediction: Tensor, kind: Kind) -> Tensor:
    """Returns the logit of "yes": of each label, or of the second of two classes.

    Example:
        >>> import torch
        >>> log_odds(torch.tensor([[1.0, 4.0]]), Kind("classes"))
        tensor([[3.]])
    """
    if kind.of != "classes":
        return prediction
    return prediction.narrow(kind.axis, 1, 1) - prediction.narrow(kind.axis, 0, 1)


def need_binary(task: str, kind: Kind, shape: tuple[int, ...], method: str) -> None:
    """Raises `UnsupportedError` unless a task's predictions are a yes or no, or several.

    Args:
        task: the task.
        kind: of its predictions.
        shape: of its predictions, without the batch axis.
        method: who asks, for the message.
    """
    if kind.of == "numbers" or (kind.of == "classes" and kind.size(shape) != 2):
        found = "numbers" if kind.of == "numbers" else f"one of {kind.size(shape)} classes"
        raise UnsupportedError(
            f"{method} reads the probability of yes; task {task!r} predicts {found}. Use "
            "Binary, MultiLabel or two classes, or leave the task out of `edges`."
        )
