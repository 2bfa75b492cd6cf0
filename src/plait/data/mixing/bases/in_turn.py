"""Policies under which every source has its fixed turns."""

from __future__ import annotations

from plait.data.mixing.base import Policy, Sizes


class InTurn(Policy):
    """A policy under which all sources give equally many batches."""

    def shares_of(self, sizes: Sizes) -> dict[str, float]:
        """Returns b_i / sum_j b_j, by the examples in a batch; empty where those are not known."""
        found = {n: size.batch_size for n, size in sizes.items() if size.batch_size is not None}
        total = sum(found.values())
        return {n: each / total for n, each in found.items()} if len(found) == len(sizes) else {}
