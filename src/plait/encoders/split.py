"""A stage as two halves: up to its activation, and from it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from plait.encoders.staged import Stage, run_stage


def halves(stage: Stage) -> tuple[list[Stage], list[Stage]]:
    """Returns the children of a stage up to its last parameter, and those after it.

    The second half is what is applied to the pre-activation: activation, pooling. A stage that is
    no `nn.Sequential`, or that ends in a module with parameters, has no second half; one without
    any parameter has no first.

    Example:
        >>> block = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
        >>> [[type(part).__name__ for part in half] for half in halves(block)]
        [['Conv2d', 'BatchNorm2d'], ['ReLU', 'MaxPool2d']]
    """
    parts: list[Stage] = list(stage) if isinstance(stage, nn.Sequential) else [stage]
    end = max((i + 1 for i, part in enumerate(parts) if owns_parameters(part)), default=0)
    return parts[:end], parts[end:]


def owns_parameters(stage: Stage) -> bool:
    """Returns whether a stage has parameters (a function has none)."""
    return isinstance(stage, nn.Module) and any(True for _ in stage.parameters())


def run_shifted(stage: Stage, hidden: Any, mask: Tensor | None, shift: Tensor | None) -> Any:
    """Runs a stage with a tensor added to its value before the activation.

    Args:
        stage: the stage.
        hidden: its input.
        mask: the padding mask, if there is one.
        shift: in the shape of the value, or one that broadcasts to it; None runs the plain stage.
    """
    if shift is None:
        return run_stage(stage, hidden, mask)
    before, after = halves(stage)
    for part in before:
        hidden = run_stage(part, hidden, mask)
    hidden = hidden + shift
    for part in after:
        hidden = run_stage(part, hidden, mask)
    return hidden


def ends_of_blocks(stages: Sequence[Stage]) -> list[int]:
    """Returns the stages after which a new block begins, and the last one.

    A block is a stage with parameters and those without that follow it, so that a linear layer and
    its activation are one block even where each is a stage.

    Example:
        >>> ends_of_blocks([nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU()])
        [1, 3]
    """
    last = len(stages) - 1
    return [i for i in range(len(stages)) if i == last or owns_parameters(stages[i + 1])]
