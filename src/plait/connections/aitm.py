"""Adaptive transfer of information along the sequence of the tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from plait.connections.base import Detach
from plait.connections.bases.forward import ForwardConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import key_of
from plait.connections.edges.wiring import Shape, Wiring
from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.core.seeding import seeded
from plait.networks.grids import pool


class AITM(ForwardConnection):
    """Lets each task weigh, by attention, its own vector against those of its parents.

        p_s = alpha_st g_st(z_s)
        w_u = softmax over u of <K u, Q u> / sqrt(k),    u in {p_s of the parents s, q_t}
        z_t = sum_u w_u V u,    and z_t = q_t for a task without parents

    with q_t the pooled features `[B, k]` of task t, z_s what the head of s reads, and K, Q, V
    `[k, k]`, one set for all tasks. Together with `OrderCalibration`, which keeps the probabilities
    of a sequence in order, it is the method of the paper.

    Args:
        activation: of g, a linear layer: "relu", as in the authors' code, or "none".
        norm: batch normalisation in g, before the activation, as in the authors' code; off by
            default, since it cannot train on a batch of one.
        dropout: in g, at the end.
        bias: whether K, Q and V have a bias; not in the paper.
        std: standard deviation of the first K, Q and V. The paper's N(0, 0.01) is read as a
            variance, 0.1; a deviation of 0.01 would make V shrink the features a hundredfold.
        edges: pairs [source, target]; by default the chain in the order of the tasks.
        alpha: the gate on what is handed on; see `Alpha`. With a fixed 0 an edge is not there at
            all.
        detach: "source" lets no gradient of a task flow into those that it reads.

    Shapes: features of any kind, which are pooled to vectors of one length k for the tasks that
        edges join; the heads of tasks with parents read the vector alone, so they cannot be dense.

    Raises:
        ConfigError: an option outside its range.
        ShapeError: tasks that are joined have features of different widths, or a dense head.

    Differs: several parents are all read at once; the paper has a chain. A gate alpha.

    Cost: k^2 for each edge and 3 k^2 for each vector that is read, for each example.

    Reference: Xi, Chen, Yan, Zhang, Zhu, Zhuang, Chen, "Modeling the Sequential Dependence among
        Audience Multi-step Conversions with Multi-task Learning in Targeted Display Advertising",
        KDD 2021.
    """

    def __init__(
        self,
        *,
        activation: Literal["relu", "none"] = "relu",
        norm: bool = False,
        dropout: float = 0.0,
        bias: bool = False,
        std: float = 0.1,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)
        if activation not in ("relu", "none"):
            raise ConfigError(f"`activation` must be 'relu' or 'none'; found {activation!r}.")
        if not 0 <= dropout < 1:
            raise ConfigError(f"`dropout` must be within 0..1, below 1; found {dropout}.")
        if not std > 0:
            raise ConfigError(f"`std` must be above 0; found {std}.")
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.bias = bias
        self.std = std
        self.transfers = nn.ModuleDict()
        self.attention = nn.ModuleDict()  # key, query, value

    def build(
        self,
        task: str,
        wiring: Wiring,
        shapes: Mapping[str, FeatureShape],
        predictions: Mapping[str, Shape],
    ) -> FeatureShape:
        """Makes g of the edges into a task, and K, Q and V once."""
        own, parents = shapes[task], self.parents(task)
        if not parents:
            return own
        width = own.channels()
        if not self.attention:
            with seeded(wiring.seed, "connection", "AITM"):
                for name in ("key", "query", "value"):
                    self.attention[name] = self._drawn(width)
        expected = self._layer("value").in_features
        for source in (*parents, task):
            if shapes[source].channels() != expected:
                raise ShapeError(
                    f"AITM needs features of one width for all tasks that it joins; found "
                    f"{shapes[source].channels()} of task {source!r}, {expected} before. Use "
                    "encoders of one width."
                )
        for source in parents:
            with seeded(wiring.seed, "connection", "AITM", source, task):
                self.transfers[key_of((source, task))] = self._transfer(width)
        return FeatureShape(((width,),), own.channel_dim)

    def features(
        self,
        task: str,
        raw: Mapping[str, Features],
        done: Mapping[str, Features],
        predictions: Mapping[str, Tensor],
    ) -> Features:
        """Returns z_t as the only level."""
        own, parents = raw[task], self.parents(task)
        if not parents:
            return own
        carried = [self.carried(source, task, pool(done[source])) for source in parents]
        z, _ = self.attend(carried, pool(own))
        return Features((z,), own.channel_dim, grid=own.grid)

    def carried(self, source: str, task: str, z: Tensor) -> Tensor:
        """Returns p `[B, k]`, the vector that a task hands on to another, from z `[B, k]`."""
        p: Tensor = self.transfers[key_of((source, task))](self.held(z))
        return self.gated((source, task), p)

    def attend(self, carried: Sequence[Tensor], own: Tensor) -> tuple[Tensor, Tensor]:
        """Returns z `[B, k]` and the weights `[B, n + 1]`: of the carried vectors, then of the own.

        Args:
            carried: n vectors `[B, k]`.
            own: the task's own vector `[B, k]`.
        """
        read = torch.stack([*carried, own], dim=1)
        key, query, value = (self._layer(name)(read) for name in ("key", "query", "value"))
        weights = ((key * query).sum(dim=-1) / math.sqrt(own.shape[1])).softmax(dim=1)
        return (weights.unsqueeze(-1) * value).sum(dim=1), weights

    def _layer(self, name: str) -> nn.Linear:
        layer = self.attention[name]
        assert isinstance(layer, nn.Linear)
        return layer

    def _drawn(self, width: int) -> nn.Linear:
        layer = nn.Linear(width, width, bias=self.bias)
        nn.init.normal_(layer.weight, std=self.std)
        if self.bias:
            nn.init.zeros_(layer.bias)
        return layer

    def _transfer(self, width: int) -> nn.Sequential:
        layers: list[nn.Module] = [nn.Linear(width, width)]
        if self.norm:
            layers.append(nn.BatchNorm1d(width))
        if self.activation == "relu":
            layers.append(nn.ReLU())
        if self.dropout > 0:
            layers.append(nn.Dropout(self.dropout))
        return nn.Sequential(*layers)
