"""Whether a graph acts on each example alone, from the graph itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from plait.gradients.labels.places import PerExample, Refusal


def walk(
    losses: Mapping[str, Tensor], examples: int, shared: Sequence[Tensor]
) -> PerExample | Refusal:
    """Tells whether what the tasks share acts on each example alone.

    Args:
        losses: `{task: scalar}`; their graph is not changed.
        examples: in the batch, B, at least 2.
        shared: parameters whose gradients are compared.
    """
    raise NotImplementedError
