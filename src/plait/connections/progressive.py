"""Progressive networks: each task reads all earlier columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.connections.base import Detach
from plait.connections.bases.lateral_base import Laterals, Values
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import Edge
from plait.connections.lateral import LinearSum, zero_map
from plait.connections.signals.channel_map import ChannelMap
from plait.core.errors import ConfigError


class Progressive(Laterals):
    """Adds maps of the hidden values of all earlier tasks to each stage of a task.

        z_t^l = W^l h_t^(l-1) + b^l + sum_{j<t} U^(l,j) h_j^(l-1),   h_t^l = f(z_t^l)

    or, with an adapter of one hidden layer in the place of the sum,

        z_t^l = W^l h_t^(l-1) + b^l + U^l relu(V^l [a_1 h_1^(l-1); ...; a_(t-1) h_(t-1)^(l-1)])

    with h_j^l the output of block l of task j, and one learned scale a for each column. What the
    head reads gets the same, as the output layer of the paper does. U starts at 0: the start is
    exactly that of single-task networks. U and V map the channels alone: they are 1x1 convolutions
    of maps.

    Args:
        edges: pairs [source, target] of a graph without cycles; by default from every task to all
            later ones in the order of the tasks.
        alpha: a gate on h_j for each edge; see `Alpha`. With a fixed 0 an edge is not run.
        adapter: width of the adapter's hidden layer, the rows of V, at least 1; by default there is
            no adapter, and U maps each column.
        detach: "source" lets no gradient of a task flow back into earlier columns: they learn from
            their own task alone.
        heads: whether the sum is also in what the head reads.

    Shapes: as of `Lateral`: channels and positions of the tasks may differ; the numbers of stages
        must agree.

    Raises:
        ConfigError: edges that form a cycle or name unknown tasks, or an option outside its range.
        ShapeError: networks of different numbers of stages.

    Differs: the paper trains one task after the other and freezes earlier columns: freeze their
        parameters for that. Here all tasks may be trained together, with or without `detach`. The
        scales a start at 1, for U starts at 0.

    Cost: the pass of each task that is read; T (T - 1) / 2 linear maps for each block, or one
        adapter for each task and block.

    Reference: Rusu, Rabinowitz, Desjardins, Soyer, Kirkpatrick, Kavukcuoglu, Pascanu, Hadsell,
        "Progressive Neural Networks", arXiv:1606.04671, 2016.
    """

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        adapter: int | None = None,
        detach: Detach = None,
        heads: bool = True,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach, heads=heads)
        if adapter is not None and (not isinstance(adapter, int) or adapter < 1):
            raise ConfigError(
                f"`adapter` of Progressive must be the width of its hidden layer, at least 1; "
                f"found {adapter!r}."
            )
        self.adapter = adapter

    def default_edges(self, tasks: Sequence[str]) -> tuple[Edge, ...]:
        """Returns the edges from every task to all later ones."""
        return tuple(combinations(tasks, 2))

    def unit(self, fan_in: Mapping[str, int], fan_out: int, channel_dim: int) -> nn.Module:
        """Returns an adapter, or one map for each source."""
        if self.adapter is None:
            return LinearSum(fan_in, fan_out, channel_dim)
        return ColumnAdapter(fan_in, fan_out, channel_dim, self.adapter)


class ColumnAdapter(nn.Module):
    """U relu(V [a_1 h_1; ...]), with U = 0 and a = 1 at the start.

    Args:
        fan_in: channels of each source.
        fan_out: channels of what is added to.
        channel_dim: the axis of all channels.
        hidden: rows of V.
    """

    def __init__(
        self, fan_in: Mapping[str, int], fan_out: int, channel_dim: int, hidden: int
    ) -> None:
        super().__init__()
        self.channel_dim = channel_dim
        self.scales = nn.Parameter(torch.ones(len(fan_in)))
        self.down = ChannelMap(sum(fan_in.values()), hidden, channel_dim, bias=False)
        self.up = zero_map(hidden, fan_out, channel_dim)

    def forward(self, values: Values) -> Tensor:
        """Returns the addend for the reader's value, from the sources' values in order."""
        scaled = [scale * value for scale, value in zip(self.scales, values.values(), strict=True)]
        found: Tensor = self.up(F.relu(self.down(torch.cat(scaled, dim=self.channel_dim))))
        return found
