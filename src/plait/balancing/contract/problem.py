"""The questions that a bilevel method may ask about one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Problem(Protocol):
    """What a bilevel method may ask about one step; every call costs what it says.

    Parameters are tuples of tensors, in the order of `parameters`. Nothing that is asked changes
    the model: not its parameters, its running statistics, or the random state.
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
        """Returns where the optimizer's next step on `gradient` would lead, and its slope.

        The step has the optimizer's momentum and weight decay; its state stays as it is. The slope
        is the derivative of each new parameter by its gradient (for SGD: -lr).
        """
