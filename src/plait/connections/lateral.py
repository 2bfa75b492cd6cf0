"""Lateral connections from each task to the next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

from torch import Tensor, nn

from plait.connections.bases.lateral_base import Laterals, Values
from plait.connections.signals.channel_map import ChannelMap
from plait.core.keys import safe_key


class Lateral(Laterals):
    """Adds a linear map of the previous task's hidden values to each task's next stage.

        z_t^l = W^l h_t^(l-1) + b^l + alpha_st U^l h_s^(l-1),   h_t^l = f(z_t^l)
        y_t   = head_t(h_t^L + alpha_st U^(L+1) h_s^L)

    for each edge s -> t, with h_s^l the output of block l of task s. U starts at 0: the start is
    exactly that of single-task networks. The first block reads the input alone. U maps the channels
    alone: it is a 1x1 convolution of maps.

    Args:
        edges: pairs [source, target] of a graph without cycles; by default the chain in the order
            of the tasks. Several sources of one target are added.
        alpha: the gate on each edge; see `Alpha`. With a fixed 0 an edge has no U and is not run.
        detach: "source" lets no gradient of a task flow back into the tasks that it reads.
        heads: whether the sum is also in what the head reads, as written above.

    Shapes: channels and positions of the tasks may differ; the numbers of stages must agree. Maps
        are averaged onto another grid, or repeated where it is finer; all else that differs is
        averaged over its positions (padded ones among them) and added to every position.

    Raises:
        ConfigError: edges that form a cycle or name unknown tasks, or an option outside its range.
        ShapeError: networks of different numbers of stages.

    Differs: the paper reads all earlier tasks (see `Progressive`). A stage is cut before its
        activation, which is what follows its last module with parameters; a stage that ends in such
        a module is cut at its end.

    Cost: the pass of each task that is read, up to the stage that is read; one linear map for each
        edge and block.

    Reference: the lateral connections of Rusu, Rabinowitz, Desjardins, Soyer, Kirkpatrick,
        Kavukcuoglu, Pascanu, Hadsell, "Progressive Neural Networks", arXiv:1606.04671, 2016, from
        the previous task alone.
    """

    def unit(self, fan_in: Mapping[str, int], fan_out: int, channel_dim: int) -> nn.Module:
        """Returns one map for each source."""
        return LinearSum(fan_in, fan_out, channel_dim)


class LinearSum(nn.Module):
    """sum_s U_s h_s, with U = 0 at the start.

    Args:
        fan_in: channels of each source.
        fan_out: channels of the sum.
        channel_dim: the axis of all channels.
    """

    def __init__(self, fan_in: Mapping[str, int], fan_out: int, channel_dim: int) -> None:
        super().__init__()
        self.maps = nn.ModuleDict(
            {
                safe_key(s): zero_map(channels, fan_out, channel_dim)
                for s, channels in fan_in.items()
            }
        )

    def forward(self, values: Values) -> Tensor:
        """Returns the sum over the sources."""
        found: Tensor = reduce(add, (self.maps[safe_key(s)](value) for s, value in values.items()))
        return found


def zero_map(fan_in: int, fan_out: int, channel_dim: int) -> ChannelMap:
    """Returns a map of the channels without bias whose weights are 0."""
    made = ChannelMap(fan_in, fan_out, channel_dim, bias=False)
    nn.init.zeros_(made.linear.weight)
    return made
