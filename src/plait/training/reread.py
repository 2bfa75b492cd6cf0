"""The losses of a step's batch once more, with the parameters after the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from plait.core.random_state import State, random_state, random_state_kept, restore


class Reread:
    """Evaluates the losses of a step's batch again, under the conditions of the first time.

    Dropout draws what it drew before, and running statistics (BatchNorm) and the random state are
    afterwards as they were, so that a method that re-reads trains the same network as one that
    does not.

    Args:
        model: whose buffers are kept; its mode is not changed.
        device: whose generator is kept as well.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.model = model
        self.device = device
        self._before: State = random_state(device)

    def __call__(self, losses: Callable[[], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
        """Evaluates `losses` without a graph, under the step's random state; puts the buffers back.

        Args:
            losses: repeats the forward passes, in their first order.
        """
        with torch.no_grad(), buffers_kept(self.model), random_state_kept(self.device):
            restore(self._before, self.device)
            return losses()


@contextmanager
def buffers_kept(model: nn.Module) -> Iterator[None]:
    """Gives the buffers of a model their values back at the end."""
    give_back = keep_buffers(model)
    try:
        yield
    finally:
        give_back()


def keep_buffers(model: nn.Module) -> Callable[[], None]:
    """Returns a function that gives the buffers of a model the values that they have now."""
    kept = [(buffer, buffer.clone()) for buffer in model.buffers()]

    def give_back() -> None:
        with torch.no_grad():
            for buffer, value in kept:
                buffer.copy_(value)

    return give_back
