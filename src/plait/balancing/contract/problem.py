"""The questions that a bilevel method may ask about one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Problem(Protocol):
    """Evaluates losses at other parameters than the model's, for a bilevel method.

    Points are tuples of tensors, in the order of `parameters`. No call changes the model: neither
    its parameters, nor its running statistics, nor the random state.

    Attributes:
        tasks: names of the T tasks, in the order of the losses.
        parameters: the model's parameters as they are now, detached.
    """

    tasks: tuple[str, ...]
    parameters: tuple[Tensor, ...]

    def train(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the training losses `[T]` at `parameters`, with graph: one forward pass."""

    def val(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the validation losses `[T]` at `parameters`, with graph: one forward pass."""

    def virtual_step(
        self, parameters: Sequence[Tensor], gradient: Sequence[Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Returns the parameters after the optimizer's next step, and the slope of that step.

        The step has the optimizer's momentum and weight decay; its state stays as it is. The slope
        is the derivative of each new parameter by its gradient (for SGD: -lr).

        Args:
            parameters: the point to start from.
            gradient: the gradient at that point, in the same order and shapes.
        """
