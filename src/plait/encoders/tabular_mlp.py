"""A plain network for the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.columns import Column
from plait.core.options import Count
from plait.encoders.table import Row, TableInputs, dropout_of


class TabularMLP(nn.Module):
    """Reads the rows of a table as they are, and maps them by blocks of linear layer and ReLU.

        z_0 = [standardised numbers, what is missing, vectors of categories]
        z_b = max(0, W_b z_(b-1) + c_b)

    Numbers are standardised in the model, with outliers held back (up to 4 scales from the center
    nothing changes, beyond that they grow like a logarithm); a missing one is 0, and an input of
    its own says so if it was missing in training as well. Categories become learned vectors, as
    long as the smallest power of two that is not below the square root of the number of codes, at
    most 32. A model needs nothing else to read new rows.

    Args:
        columns: the columns of the table, `Column` objects or mappings of their properties, as
            `Column.plain` gives them.
        widths: units of each block; without any, z_0 is handed on.
        dropout: share of a block's units that are left out in training, 0 to 1; 0 by default.

    Shapes:
        rows `[B, F]` as `Column` says, float32 or float64 with NaN where a number is missing, to
        `[B, widths[-1]]`; each block is a stage.

    Raises:
        ConfigError: no column, or one that is no column.

    Example:
        >>> import torch
        >>> age = {"name": "age", "kind": "number", "center": [40.0], "scale": [12.0]}
        >>> age |= {"missing": [0.0], "edges": [[18.0, 40.0, 90.0]]}
        >>> kind = {"name": "kind", "kind": "category", "values": ["a", "b"]}
        >>> rows = torch.tensor([[52.0, 2.0], [torch.nan, 0.0]])
        >>> TabularMLP([age, kind], widths=(8, 3))(rows).shape
        torch.Size([2, 3])
    """

    channel_dim = 1
    reads_codes = True  # gates read the features instead

    @checked
    def __init__(
        self,
        columns: Sequence[Mapping[str, Any] | Column],
        *,
        widths: Sequence[Count] = (128, 128),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.columns = [Column.of(column).plain() for column in columns]
        self.widths = tuple(widths)
        self.dropout = dropout
        inputs = TableInputs(Row.of(columns))
        blocks: list[nn.Module] = []
        for fan_in, fan_out in pairwise([inputs.outputs, *self.widths]):
            layers = [nn.Linear(fan_in, fan_out), nn.ReLU()]
            blocks.append(nn.Sequential(*layers, *[dropout_of(dropout)] * (dropout != 0)))
        if blocks:
            blocks[0] = nn.Sequential(inputs, *blocks[0])  # type: ignore[misc]
        self.stages = nn.ModuleList(blocks or [inputs])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new weights that keep the variance from block to block (He et al., ICCV 2015)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the last block's units."""
        for stage in self.stages:
            rows = stage(rows)
        return rows
