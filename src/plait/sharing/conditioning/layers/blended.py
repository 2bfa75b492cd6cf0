"""Layers that have the low-rank updates of all tasks at once, each by its share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from plait.sharing.conditioning.layers.task_indexed import UnitBeside, UnitInside, update_at
from plait.sharing.conditioning.layers.units import Update


def blended(updates: Sequence[Update], shares: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the weighted sum of updates of low rank as one, of the sum of their ranks.

        up down = sum_t share_t D_t

    Args:
        updates: of the tasks, D_t, alike in all shapes.
        shares: `[tasks]`.

    Returns:
        up, `[blocks, rows, tasks x rank]`, and down, `[blocks, tasks x rank, columns]`.
    """
    up = torch.stack([update.scale * update.up for update in updates])
    down = torch.stack([update.down for update in updates])
    weighted = shares.to(up)[:, None, None, None] * up
    return weighted.permute(1, 2, 0, 3).flatten(2), down.transpose(0, 1).flatten(1, 2)


class BlendBeside(UnitBeside):
    """Adds what the tasks' updates make of the same input, by their shares."""

    def forward(self, hidden: Tensor) -> Any:
        """Runs the layer for all tasks."""
        updates = [unit for unit in self.own.values() if isinstance(unit, Update)]
        up, down = blended(updates, self._active.shares)
        return self.base(hidden) + F.linear(F.linear(hidden, down[0]), up[0])


class BlendInside(UnitInside):
    """Runs the shared layer with the sum of its weights and the tasks' updates, by their shares."""

    def change(self, position: int, weight: Tensor) -> Tensor:
        """Computes the addend of the weight at a position of `weights`."""
        updates = [update_at(unit, position) for unit in self.own.values()]
        up, down = blended(updates, self._active.shares)
        return (up @ down).flatten(0, 1).view_as(weight)
