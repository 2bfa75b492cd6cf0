"""A network for the rows of a table that competes with trees, and contains the linear model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.columns import Column
from plait.core.options import AtLeast, Count
from plait.encoders.table import (
    Beside,
    OneHot,
    PeriodicEmbedding,
    PiecewiseEmbedding,
    Residual,
    Row,
    TableInputs,
)
from plait.encoders.table.edges import standardised_edges

SLOW = 1 / 16  # scale of the linear inputs
FEW = 64  # values up to which each value of a category is a linear input


class TabularEncoder(nn.Module):
    """Reads the rows of a table as they are, through embedded numbers and residual blocks.

        h_0 = W [v_1(z_1) ... v_N(z_N), z, what is missing, vectors of categories] + c
        h_b = h_(b-1) + B_b max(0, A_b norm(h_(b-1)) + a_b) + b_b
        features = [max(0, norm(h_last)), linear inputs]

    Every number z, standardised in the model, becomes a vector v of its own: by pieces that are
    linear between quantiles of the training rows, or by learned waves. A number with two values is
    taken as it is. The linear inputs (z, what is missing, and one input for each value of a
    category with at most 64 of them) are handed on to the heads, so that a linear head contains
    ridge and logistic regression on the table, and the network learns what these leave over. They
    are divided by 16: optimizers that move all weights by steps of one size, such as Adam, then
    move the linear model 16 times slower than the network, and overfit it less.

    Missing values, outliers and categories are treated as in `TabularMLP`.

    Args:
        columns: the columns of the table, `Column` objects or mappings of their properties, as
            `Column.plain` gives them.
        numbers: "piecewise" or "periodic".
        width: units of the blocks.
        blocks: residual blocks, 0 or more.
        embedding: length of a number's vector.
        dropout: share of the units that are left out in training, 0 to 1.

    Attributes:
        linear_width: k, how many linear inputs there are.

    Shapes:
        rows `[B, F]` as `Column` says, float32 or float64 with NaN where a number is missing, to
        `[B, width + k]`. The first stage embeds; each block is one more, which acts on the first
        `width` channels and hands on the linear inputs.

    Raises:
        ConfigError: no column, or one that is no column.

    Cost: about 2 B N (T + width) d operations for the numbers, with T the most bins of one and d
        the length of a vector, and 4 B width^2 for each block.

    Example:
        >>> import torch
        >>> age = {"name": "age", "kind": "number", "center": [40.0], "scale": [12.0]}
        >>> age |= {"missing": [0.0], "edges": [[18.0, 40.0, 90.0]]}
        >>> kind = {"name": "kind", "kind": "category", "values": ["a", "b"]}
        >>> encoder = TabularEncoder([age, kind], width=16)
        >>> encoder(torch.tensor([[52.0, 2.0], [torch.nan, 0.0]])).shape, encoder.linear_width
        (torch.Size([2, 19]), 3)

    References: Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep
        Learning", NeurIPS 2022; Gorishniy, Rubachev, Khrulkov, Babenko, "Revisiting Deep Learning
        Models for Tabular Data", NeurIPS 2021; Cheng et al., "Wide & Deep Learning for Recommender
        Systems", DLRS 2016.
    """

    channel_dim = 1
    reads_codes = True  # gates read the features instead

    @checked
    def __init__(
        self,
        columns: Sequence[Mapping[str, Any] | Column],
        *,
        numbers: Literal["piecewise", "periodic"] = "piecewise",
        width: Count = 128,
        blocks: Annotated[int, AtLeast(0)] = 1,
        embedding: Count = 8,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.columns = [Column.of(column).plain() for column in columns]
        self.numbers: Literal["piecewise", "periodic"] = numbers
        self.width = width
        self.blocks = blocks
        self.embedding = embedding
        self.dropout = dropout
        stem = Stem(Row.of(columns), numbers, embedding, width)
        self.linear_width = stem.linear_width
        residual: list[list[nn.Module]] = [[Residual(width, dropout)] for _ in range(blocks)]
        end = [nn.LayerNorm(width), nn.ReLU()]
        if residual:
            residual[-1] += end
        stages: list[nn.Module] = [stem, *(Beside(width, *layers) for layers in residual)]
        if not residual:
            stages[0] = nn.Sequential(stem, Beside(width, *end))
        self.stages = nn.ModuleList(stages)

    def linear_inputs(self, rows: Tensor) -> Tensor:
        """Returns the linear inputs `[B, k]`, the last channels of the features."""
        first = self.stages[0]
        stem = first[0] if isinstance(first, nn.Sequential) else first
        assert isinstance(stem, Stem)
        return stem.linear_inputs(*stem.read(rows))

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the deep features and the linear inputs."""
        for stage in self.stages:
            rows = stage(rows)
        return rows


class Stem(nn.Module):
    """Embeds a row and maps it to the width of the blocks; hands on the linear inputs.

    Args:
        row: the entries of a row.
        numbers: how numbers are embedded.
        embedding: length of a number's vector.
        width: units of the blocks.
    """

    places: Tensor

    def __init__(
        self, row: Row, numbers: Literal["piecewise", "periodic"], embedding: int, width: int
    ) -> None:
        super().__init__()
        self.inputs = TableInputs(row)
        self.one_hot = OneHot(row.categories, FEW)
        numbers_width = self.inputs.outputs - self.inputs.categories.outputs
        self.linear_width = numbers_width + self.one_hot.outputs
        edges = standardised_edges(row.numbers)
        bent = [place for place, each in enumerate(edges) if len(each) > 2]  # of more than a bin
        self.register_buffer("places", torch.tensor(bent, dtype=torch.long), persistent=False)
        self.embed: nn.Module | None = None
        if bent and numbers == "piecewise":
            self.embed = PiecewiseEmbedding([edges[place] for place in bent], embedding)
        elif bent:
            self.embed = PeriodicEmbedding(len(bent), embedding)
        self.enter = nn.Linear(self.inputs.outputs + len(bent) * embedding, width)

    def read(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Returns standardised numbers `[B, N]` with what is missing `[B, M]`, and codes."""
        return self.inputs.numbers(rows), self.inputs.codes(rows)

    def linear_inputs(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Returns the linear inputs of what was read."""
        if not self.one_hot.outputs:
            return numbers * SLOW
        return torch.cat([numbers, self.one_hot(codes)], dim=1) * SLOW

    def forward(self, rows: Tensor) -> Tensor:
        """Returns `[B, width + k]`: what the blocks read, and the linear inputs."""
        numbers, codes = self.read(rows)
        given = [numbers]
        if self.embed is not None:
            given.append(self.embed(numbers.index_select(1, self.places)))
        if self.inputs.row.categories:
            given.append(self.inputs.categories(codes))
        entered = self.enter(torch.cat(given, dim=1))
        return torch.cat([entered, self.linear_inputs(numbers, codes)], dim=1)
