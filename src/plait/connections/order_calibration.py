"""Probabilities that keep the order of the tasks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plait.connections.base import Detach
from plait.connections.bases.penalty import PenaltyConnection
from plait.connections.edges.alpha import AlphaLike
from plait.connections.edges.graph import Edge
from plait.connections.edges.wiring import Wiring
from plait.connections.signals.channel_map import precise
from plait.connections.signals.readings import log_odds, need_binary
from plait.core.errors import ShapeError
from plait.core.outputs import Outputs


class OrderCalibration(PenaltyConnection):
    """Keeps a later step from being more probable than the one that it needs (the calibrator).

        C_st = mean max(p_t - p_s, 0)

    over the examples (and labels, pixels or tokens), with p the probability of yes. It is 0 where
    the order s before t is kept. `ProductChain` keeps the order by its structure; this does so by
    the loss.

    Args:
        edges: pairs [source, target]; by default the chain in the order of the tasks.
        alpha: the weights; see `Alpha`. With a fixed 0 the term is skipped. 0.6 by default, from
            the authors' code.
        detach: None moves both tasks; "source" or "target" holds that side fixed.

    Shapes: logits of labels `[B, K]` (`Binary`, `MultiLabel`), column by column, or of two
        classes, the second of which is yes.

    Raises:
        UnsupportedError: a task on an edge predicts neither a yes or no, nor several.
        ShapeError: the tasks have different numbers of labels.

    Differs: a mean over the batch, so that alpha does not depend on its size.

    Cost: none to speak of.

    Reference: Xi, Chen, Yan, Zhang, Zhu, Zhuang, Chen, "Modeling the Sequential Dependence among
        Audience Multi-step Conversions with Multi-task Learning in Targeted Display Advertising",
        KDD 2021.
    """

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        alpha: AlphaLike = 0.6,
        detach: Detach = None,
    ) -> None:
        super().__init__(edges=edges, alpha=alpha, detach=detach)

    def setup(self, wiring: Wiring) -> None:
        """Checks that the predictions are logits of yes or no, and fit."""
        super().setup(wiring)
        for edge in self.active:
            shapes = []
            for task in edge:
                kind, shape = self.kinds[task], wiring.predictions[task]
                need_binary(task, kind, shape, "OrderCalibration")
                shapes.append(list(log_odds(torch.zeros(1, *shape), kind).shape[1:]))
            if shapes[0] != shapes[1]:
                raise ShapeError(
                    f"OrderCalibration compares label by label; found {shapes[0]} labels of task "
                    f"{edge[0]!r} and {shapes[1]} of {edge[1]!r}. Give them the same number, or "
                    "leave the edge out."
                )

    def cost(self, edge: Edge, outputs: Outputs) -> Tensor:
        """Returns the mean excess."""
        before, after = self.held(
            *(log_odds(precise(outputs[task]), self.kinds[task]).sigmoid() for task in edge)
        )
        return (after - before).relu().mean()
