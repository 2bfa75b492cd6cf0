"""Probabilities that are products along the chain of the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import torch
from torch import Tensor

from plait.connections.base import Detach
from plait.connections.bases.forward import ForwardConnection
from plait.connections.edges.wiring import Wiring
from plait.connections.signals.channel_map import precise
from plait.connections.signals.readings import log_odds, need_binary
from plait.core.errors import ShapeError


class ProductChain(ForwardConnection):
    """Makes a task's probability the product of its own and those of all tasks before it.

        p_t = prod_s sigmoid(z_s),    s in {t and its ancestors in the graph}

    with z_s the logit that the head of s gives: the probability of "buy", given "click", times that
    of "click". Trained on p_t, every task learns from all examples (the entire space), and
    p_t <= p_s holds for all ancestors s whatever the weights are. What is handed out is the logit
    of p_t, so that heads, losses and metrics stay as they are.

    The logit is never formed from p. With the inverse odds r = (1 - p) / p, log r = -z,

        r of a product of two = r_1 + r_2 + r_1 r_2,    logit = -logsumexp(-z_1, -z_2, -z_1 - z_2)

    which equals log p - log(1 - p) and is exact to rounding for logits of any size, with finite
    gradients.

    Args:
        edges: pairs [source, target]; by default the chain in the order of the tasks.
        detach: "source" lets no gradient of a task flow into the tasks before it.

    Shapes: logits of labels `[B, K]` (`Binary`, `MultiLabel`), column by column, or of two
        classes, the second of which is yes; also for each pixel or token. Two classes are handed
        out as ``(-logit / 2, logit / 2)``.

    Raises:
        UnsupportedError: a task on an edge predicts neither a yes or no, nor several.
        ShapeError: the tasks have different numbers of labels.

    Differs: there is no gate; the structure is all there is. The paper's two tasks are a chain of
        two, "click" and "click and buy"; their networks are up to `sharing`.

    Cost: none to speak of. All ancestors of a wanted task run.

    Reference: Ma, Zhao, Huang, Wang, Hu, Zhu, Gai, "Entire Space Multi-Task Model: An Effective
        Approach for Estimating Post-Click Conversion Rate", SIGIR 2018.
    """

    def __init__(
        self, *, edges: Sequence[Sequence[str]] | None = None, detach: Detach = None
    ) -> None:
        super().__init__(edges=edges, detach=detach)

    def check(self, wiring: Wiring) -> None:
        """Raises if predictions are no logits of yes or no, or do not fit."""
        for edge in self.links:
            shapes = []
            for task in edge:
                kind, shape = self.kinds[task], wiring.predictions[task]
                need_binary(task, kind, shape, "ProductChain")
                shapes.append(tuple(log_odds(torch.zeros(1, *shape), kind).shape[1:]))
            if shapes[0] != shapes[1]:
                raise ShapeError(
                    f"ProductChain multiplies label by label; found {list(shapes[0])} labels of "
                    f"task {edge[0]!r} and {list(shapes[1])} of {edge[1]!r}. Give them the same "
                    "number, or leave the edge out."
                )

    def ancestors(self, task: str) -> tuple[str, ...]:
        """Returns all tasks before one in the graph, in the order of the tasks."""
        found: set[str] = set()
        open_ = [task]
        while open_:
            parents = set(self.parents(open_.pop())) - found
            found |= parents
            open_ += parents
        return tuple(task for task in self.tasks if task in found)

    def prediction(self, task: str, raw: Mapping[str, Tensor]) -> Tensor:
        """Returns the logit of the product."""
        ancestors = self.ancestors(task)
        if not ancestors:
            return raw[task]
        before = [self.held(log_odds(precise(raw[s]), self.kinds[s])) for s in ancestors]
        kind = self.kinds[task]
        logit = reduce(logit_of_both, before, log_odds(precise(raw[task]), kind))
        if kind.of != "classes":
            return logit
        return torch.cat([-logit / 2, logit / 2], dim=kind.axis)


def logit_of_both(one: Tensor, two: Tensor) -> Tensor:
    """Returns the logit of ``sigmoid(one) sigmoid(two)``.

    Example:
        >>> logit_of_both(torch.zeros(()), torch.zeros(())).sigmoid().item()
        0.25
    """
    return -torch.logaddexp(torch.logaddexp(-one, -two), -one - two)
