"""Ways of merging networks, with the strengths that validation chooses from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from plait.merging import average, iso_c, task_arithmetic, ties

State = Mapping[str, Tensor]


class Merge(Protocol):
    """A function of `plait.merging`."""

    def __call__(
        self, start: State, states: Mapping[str, State], *, strength: float = ...
    ) -> dict[str, Tensor]:
        """Merges networks that were trained from one start."""


@dataclass(frozen=True)
class MergingWay:
    """A way of merging.

    Attributes:
        merge: a function of `plait.merging`.
        title: for the report.
        formula: of the merged weights, with ``D_t = theta_t - theta_0``.
        strengths: the grid.
    """

    merge: Merge
    title: str
    formula: str
    strengths: Sequence[float]


MERGING = {
    "average": MergingWay(average, "Merged: average", "theta_0 + (1/T) sum_t D_t", (1.0,)),
    "task-arithmetic": MergingWay(
        task_arithmetic,
        "Merged: task arithmetic",
        "theta_0 + lambda sum_t D_t",
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0),
    ),
    "ties": MergingWay(
        ties,
        "Merged: TIES",
        "theta_0 + lambda (mean of the largest 20 % of each D_t that agree in sign)",
        (0.4, 0.7, 1.0, 1.5, 2.0, 3.0),
    ),
    "iso-c": MergingWay(
        iso_c,
        "Merged: Iso-C",
        "theta_0 + lambda mean(S) U V^T of each matrix sum_t D_t = U S V^T",
        (0.5, 1.0, 2.0, 3.0, 5.0, 8.0),
    ),
}
"""`{name of a member: way of merging}`.

The grids hold the values that the papers suggest. That of Iso-C reaches further: in networks that
were trained from new weights few directions have changed most, and 2 is too little.
"""
