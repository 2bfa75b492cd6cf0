"""Tables of gates for the log: how much each expert is used, and how decided the gates are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from plait.core.watched import Watched


class GateTitle(NamedTuple):
    """Names a group of gates in the log.

    Attributes:
        method: the class of the sharing.
        level: number of the level, from 0; None where gates weigh whole encoders.
        group: tells the group from others at that level, such as "shared".
    """

    method: str
    level: int | None = None
    group: str = ""

    def of(self, noun: str) -> str:
        """Returns the title of one table, such as "PLE: shared gates, level 1".

        Args:
            noun: names the numbers in it.
        """
        words = f"{self.method}: {self.group} {noun}" if self.group else f"{self.method}: {noun}"
        return words if self.level is None else f"{words}, level {self.level + 1}"


@torch.no_grad()
def watch_gates(
    title: GateTitle,
    weights: Mapping[str, Tensor],
    columns: Mapping[str, Sequence[str]],
    *,
    shares: bool = True,
) -> dict[str, Watched]:
    """Returns the mean weights of some gates, and their entropies.

        H = - sum_e g_e log(g_e) / log(E),    1 for even weights, 0 for one expert alone

    Args:
        title: of the gates.
        weights: `{gate: [B, E] or [E]}`; one over a single expert has nothing to show.
        columns: `{gate: names of its experts}`, in the order of its weights. The gate with most of
            them has those of all others, which are 0 in the rows of those others.
        shares: whether a gate that gives everything to one expert is ill.
    """
    shown = {
        gate: (each if each.dim() == 2 else each.unsqueeze(0)).detach()
        for gate, each in weights.items()
        if each.shape[-1] > 1
    }
    if not shown:
        return {}
    size = next(iter(shown.values())).shape  # compared one by one: an exporter's has no hash
    if all(each.shape == size for each in shown.values()):  # all at once
        means, entropies = (part.unbind() for part in _summary(torch.stack([*shown.values()])))
    else:
        means, entropies = zip(*map(_summary, shown.values()), strict=True)
    names: tuple[str, ...] = ()
    for gate in shown:
        names = tuple(columns[gate]) if len(columns[gate]) > len(names) else names
    rows = {
        gate: mean if len(mean) == len(names) else _placed(mean, columns[gate], names)
        for gate, mean in zip(shown, means, strict=True)
    }
    return {
        title.of("gates"): Watched(rows, names, shares=shares),
        title.of("gate entropy"): Watched(dict(zip(shown, entropies, strict=True))),
    }


def _summary(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Returns mean and entropy of weights `[..., B, E]`."""
    entropy = torch.special.entr(weights).sum(dim=-1).mean(dim=-1)
    return weights.mean(dim=-2), entropy / math.log(weights.shape[-1])


def _placed(row: Tensor, names: Sequence[str], columns: Sequence[str]) -> Tensor:
    parts = dict(zip(names, row.unbind(), strict=True))
    return torch.stack([parts.get(column, row.new_zeros(())) for column in columns])
