"""Linear layers with ReLU between them: the last step of a head."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def mlp(fan_in: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Returns linear layers `fan_in -> hidden... -> outputs` with ReLU between them."""
    sizes = [fan_in, *hidden]
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise(sizes):
        layers += [nn.Linear(size_in, size_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))
