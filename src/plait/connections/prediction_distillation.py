"""Predictions that another task's predictions are drawn to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.connections.base import Detach
from plait.connections.bases.penalty import PenaltyConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import Edge, key_of
from plait.connections.edges.wiring import Wiring
from plait.connections.signals.channel_map import ChannelMap, onto, precise
from plait.core.errors import ConfigError, ShapeError
from plait.core.outputs import Outputs
from plait.core.seeding import seeded
from plait.networks.grids import mean_over


class PredictionDistillation(PenaltyConnection):
    """Draws the prediction of one task to that of another (knowledge distillation).

        classes:  C_st = tau^2 KL(softmax(z_s / tau) || softmax(z_t / tau))
        labels:   C_st = tau^2 KL of each label's probability, mean over the labels
        numbers:  C_st = (y_s - y_t)^2, mean over them

    mean over the examples, and over pixels or tokens. The source teaches the target. The factor
    tau^2 keeps the size of the gradients as tau grows.

    Args:
        tau: temperature, above 0; the higher, the more the improbable classes count. 2 by default.
        map: None, for predictions that can be compared; "linear" puts a learned linear map of the
            channels between them, from the source's logits or numbers to the target's.
        edges: pairs [source, target]; by default the chain in the order of the tasks.
        alpha: the weights; see `Alpha`. With a fixed 0 the term is skipped.
        detach: None moves both tasks; "source" holds the teacher fixed, as in the paper; "target"
            the other side.

    Shapes: without a map, both predict as many classes, labels or numbers. Dense predictions of the
        source are averaged onto the grid of the target. Padded tokens are left out.

    Raises:
        ConfigError: an option outside its range.
        ShapeError: predictions that cannot be compared, without a map.

    Differs: in the paper the teacher is a trained network, held fixed, and the same labels' loss
        stands beside it.

    Cost: none to speak of.

    Reference: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", NIPS 2014 Deep
        Learning Workshop.
    """

    def __init__(
        self,
        *,
        tau: float = 2.0,
        map: Literal["linear"] | None = None,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 1.0,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)
        if not tau > 0:
            raise ConfigError(f"`tau` must be above 0; found {tau}.")
        if map not in (None, "linear"):
            raise ConfigError(f"`map` must be None or 'linear'; found {map!r}.")
        self.tau = tau
        self.map = map
        self.maps = nn.ModuleDict()

    def setup(self, wiring: Wiring) -> None:
        """Makes the maps, or checks that the predictions can be compared."""
        super().setup(wiring)
        for edge in self.active:
            kinds = [self.kinds[task] for task in edge]
            sizes = [self.kinds[task].size(wiring.predictions[task]) for task in edge]
            if self.map == "linear":
                with seeded(wiring.seed, "connection", "PredictionDistillation", *edge):
                    self.maps[key_of(edge)] = ChannelMap(sizes[0], sizes[1], kinds[1].axis)
            elif sizes[0] != sizes[1] or kinds[0].of != kinds[1].of:
                raise ShapeError(
                    f"PredictionDistillation compares predictions of one kind; task {edge[0]!r} "
                    f"predicts {sizes[0]} {kinds[0].of} and {edge[1]!r} {sizes[1]} {kinds[1].of}. "
                    "Set map='linear', or leave the edge out."
                )

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        """Returns the divergence."""
        source, target = self.held(*(outputs[task] for task in edge))
        mask = outputs.features[edge[1]].mask if edge[1] in outputs.features else None
        theirs, own = (self.kinds[task] for task in edge)
        target = target.unsqueeze(1) if target.dim() == 1 else target
        source = onto(source, theirs.axis, target, own.axis, mask)
        if key_of(edge) in self.maps:
            source = self.maps[key_of(edge)](source)
        source, target = precise(source), precise(target)
        if own.of == "classes":
            size = target.shape[own.axis]
            divergence = _of_classes(source / self.tau, target / self.tau, own.axis)
            return self.tau**2 * size * mean_over(divergence, own.axis, mask)
        if own.of == "labels":
            divergence = _of_labels(source / self.tau, target / self.tau)
            return self.tau**2 * mean_over(divergence, own.axis, mask)
        return mean_over((source - target).square(), own.axis, mask)


def _of_classes(source: Tensor, target: Tensor, axis: int) -> Tensor:
    """Returns the summands of KL(source || target)."""
    return _summands(source.log_softmax(dim=axis), target.log_softmax(dim=axis))


def _of_labels(source: Tensor, target: Tensor) -> Tensor:
    """Returns KL(source || target) of each label."""
    yes = _summands(F.logsigmoid(source), F.logsigmoid(target))
    return yes + _summands(F.logsigmoid(-source), F.logsigmoid(-target))


def _summands(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Returns ``p log(p / q) - p + q``, which sums to the divergence and is nowhere negative.

    Without cancellation where p is near q: the plain sum rounds to a negative number there.
    """
    p, ratio = log_p.exp(), log_p - log_q
    near = p * (ratio + torch.expm1(-ratio.clamp(-1.0, 1.0)))
    return torch.where(ratio.abs() < 1.0, near, p * ratio - p + log_q.exp())
