"""Numbers that show whether a method is well: for the log and the report, never for training."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Watched:
    """A small table of numbers: how much each expert is used, what passes between two tasks.

    Attributes:
        rows: `{name: values}`, each `[len(columns)]`, or a scalar where there are no columns;
            without a graph.
        columns: the columns' names; empty for one number in a row.
        shares: whether a row is shares of one whole, such as a gate's; a row in which one share
            has taken everything is a collapsed gate, and warns.

    Example:
        >>> import torch
        >>> Watched({"digit": torch.tensor([0.75, 0.25])}, ("one", "two"), shares=True).plain()
        {'digit': {'one': 0.75, 'two': 0.25}}
    """

    rows: dict[str, Tensor]
    columns: tuple[str, ...] = ()
    shares: bool = False

    def plain(self) -> dict[str, float | dict[str, float]]:
        """Returns the numbers by row, and by column where there are any; copies to the host."""
        return {
            name: dict(zip(self.columns, values.tolist(), strict=True))
            if self.columns
            else float(values)
            for name, values in self.rows.items()
        }
