"""Edges of bins in the unit that the layers read."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from plait.encoders.table.numbers import held_back
from plait.encoders.table.row import Number


def standardised_edges(numbers: Sequence[Number]) -> list[list[float]]:
    """Returns each number's edges as `Standardise` gives them, without those that become equal."""
    found = []
    for number in numbers:
        edges = torch.tensor(number.edges, dtype=torch.float64)
        z = held_back((edges - number.center) / number.scale).float() if number.varies else edges
        found.append(torch.unique(z).tolist())
    return found
