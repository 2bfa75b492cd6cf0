"""Distillation of the tasks' features across tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Literal

from torch import Tensor, nn

from plait.connections.base import Detach
from plait.connections.bases.forward import ForwardConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import Edge, key_of
from plait.connections.edges.wiring import Shape, Wiring
from plait.connections.signals.channel_map import ChannelMap, onto
from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.core.seeding import seeded


class PADNet(ForwardConnection):
    """Adds to each task's features those of the other tasks, gated by an attention of their own.

        F_t <- F_t + sum_a alpha_at conv_at(F_a) * sigmoid(att_at(F_a))    for all t at once

    with conv and att convolutions 3x3 without bias, a pair of them for each edge. The tasks'
    initial predictions, from the features before the exchange, are supervised beside the final
    ones, which makes the features speak of their task:

        L_t + early_weight L_t(initial prediction)

    An auxiliary task of the paper, which has an initial prediction and no final one, is a task that
    no edge leads into, as "normals" in ``edges=[["normals", "depth"], ["depth", "segments"]]``: its
    one head reads the features before the exchange, and its loss counts once, by the `weight` of
    the task.

    Args:
        levels: "last" distils the last level of the features, "all" also those before it that are
            of its kind (maps, tokens or vectors), each with convolutions of its own.
        early_weight: weight of the loss of the initial predictions, at least 0; 1 by default: both
            losses count the same. With 0 they are not made.
        edges: pairs [source, target]; by default all pairs in both directions.
        alpha: the gate; see `Alpha`. With a fixed 0 an edge is not there at all.
        detach: "source" lets no gradient of a task flow into the features of the others.

    Shapes: maps `[B, C, H, W]`; the tasks may differ in C, and in H and W (then averaged onto the
        grid of the target). For vectors and tokens a linear map takes the place of the convolution;
        that is our extension.

    Raises:
        ConfigError: an option outside its range.
        ShapeError: the features of two tasks are of different kinds.

    Differs: this is the third of the paper's distillation modules, the one with attention, as a
        connection: which features the tasks start from is up to `sharing`. Give the tasks features
        of their own (`Separate`, `MTAN`, `MMoE`, ...); after `Hard` all exchange the same ones. The
        attention is read from the features that are handed on, as in the code of Vandenhende et
        al., "Multi-Task Learning for Dense Prediction Tasks: A Survey", TPAMI 2022.

    Cost: two convolutions for each edge and level, T (T - 1) edges by default; with `early_weight`
        one more head for each task, which runs in training only: in evaluation, a task's loss is
        that of its final prediction.

    Reference: Xu, Ouyang, Wang, Sebe, "PAD-Net: Multi-Tasks Guided Prediction-and-Distillation
        Network for Simultaneous Depth Estimation and Scene Parsing", CVPR 2018.
    """

    symmetric = True

    def __init__(
        self,
        *,
        levels: Literal["last", "all"] = "last",
        early_weight: float = 1.0,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)
        if levels not in ("last", "all"):
            raise ConfigError(f"`levels` of PADNet must be 'last' or 'all'; found {levels!r}.")
        if not early_weight >= 0:
            raise ConfigError(f"`early_weight` must be at least 0; found {early_weight}.")
        self.levels = levels
        self.early_weight = early_weight
        self.units = nn.ModuleDict()

    def build(
        self,
        task: str,
        wiring: Wiring,
        shapes: Mapping[str, FeatureShape],
        predictions: Mapping[str, Shape],
    ) -> FeatureShape:
        """Makes the convolutions of the edges into a task."""
        for source in self.parents(task):
            edge = (source, task)
            theirs, own = wiring.shapes[source], shapes[task]
            with seeded(wiring.seed, "connection", "PADNet", *edge):
                units = {
                    str(level): self._unit(edge, theirs, own, level) for level in self._chosen(own)
                }
            self.units[key_of(edge)] = nn.ModuleDict(units)
        return shapes[task]

    def features(
        self,
        task: str,
        raw: Mapping[str, Features],
        done: Mapping[str, Features],
        predictions: Mapping[str, Tensor],
    ) -> Features:
        """Returns the task's features with those of the others."""
        own, parents = raw[task], self.parents(task)
        if not parents:
            return own
        levels = list(own.levels)
        for level in self.units[key_of((parents[0], task))]:  # type: ignore[attr-defined]
            levels[int(level)] = self._distilled(task, level, raw)
        return replace(own, levels=tuple(levels))

    def _distilled(self, task: str, level: str, raw: Mapping[str, Features]) -> Tensor:
        own = raw[task].levels[int(level)]
        parts: list[Tensor] = []
        for source in self.parents(task):
            theirs = self.held(raw[source].levels[int(level)])
            part = self.units[key_of((source, task))][level](theirs)  # type: ignore[index]
            dim = raw[task].channel_dim
            parts.append(self.gated((source, task), onto(part, dim, own, dim)))
        return reduce(add, parts, own)

    def _chosen(self, shape: FeatureShape) -> list[int]:
        last = len(shape.levels) - 1
        if self.levels == "last":
            return [last]
        return [i for i, each in enumerate(shape.levels) if len(each) == len(shape.levels[last])]

    def _unit(self, edge: Edge, theirs: FeatureShape, own: FeatureShape, level: int) -> nn.Module:
        alike = (
            len(theirs.levels) == len(own.levels)
            and theirs.channel_dim == own.channel_dim
            and len(theirs.levels[level]) == len(own.levels[level])
        )
        if not alike:
            raise ShapeError(
                f"PADNet exchanges features of one kind, level by level; found "
                f"{[list(each) for each in theirs.levels]} of task {edge[0]!r} and "
                f"{[list(each) for each in own.levels]} of {edge[1]!r}. Use encoders of one kind, "
                "or leave the edge out."
            )
        is_map = own.channel_dim == 1 and len(own.levels[level]) == 3
        return Distillation(
            theirs.channels(level), own.channels(level), own.channel_dim, is_map=is_map
        )


class Distillation(nn.Module):
    """Maps the features of one task for another, and multiplies them by their attention.

    Args:
        fan_in: channels of the source.
        fan_out: channels of the target.
        channel_dim: their axis.
        is_map: whether the features are maps; a convolution 3x3 reads them, else a linear map.
    """

    def __init__(self, fan_in: int, fan_out: int, channel_dim: int, *, is_map: bool) -> None:
        super().__init__()

        def layer() -> nn.Module:
            if is_map:
                return nn.Conv2d(fan_in, fan_out, kernel_size=3, padding=1, bias=False)
            return ChannelMap(fan_in, fan_out, channel_dim, bias=False)

        self.conv = layer()
        self.att = layer()

    def forward(self, features: Tensor) -> Tensor:
        """Returns the source's features after the 3x3 map, times their attention."""
        given: Tensor = self.conv(features) * self.att(features).sigmoid()
        return given
