"""The heads of like tasks as one batched head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.features import Features
from plait.tasks.block.stacked import Stacked, chosen
from plait.tasks.heads import InFittedUnit, InUnits, ScalarHead


class BlockHead:
    """Computes the predictions of like heads at once; their parameters are stacked by task.

        h = relu(z W_1t + b_1t), ...,    prediction_t = mean_t + scale_t (h W_t + b_t)

    It is no module and owns nothing: the parameters are those of the tasks' own heads.

    Args:
        heads: T heads of one structure: `ScalarHead`, alone or in the unit of its labels.
        weights: of each linear layer, from the first, `[T, width out, width in]`.
        biases: of each linear layer, `[T, width out]`.

    Cost: one product for all tasks' first layers, which reads the pooled features once, and a
        batched one for each further layer, whatever T.
    """

    def __init__(
        self, heads: Sequence[nn.Module], weights: Sequence[Tensor], biases: Sequence[Tensor]
    ) -> None:
        self.weights, self.biases = tuple(weights), tuple(biases)
        first = heads[0]
        inner = first.head if isinstance(first, InUnits | InFittedUnit) else first
        assert isinstance(inner, ScalarHead)
        self.scalar = inner
        self._units: tuple[Stacked, Stacked] | None = None
        if inner is not first:
            buffers, shape = [_unit(head) for head in heads], biases[-1].shape[1:]
            self._units = Stacked(buffers, "mean", shape), Stacked(buffers, "scale", shape)

    def __call__(self, features: Features, rows: Tensor | None = None) -> Tensor:
        """Returns predictions `[B, n, K]` of the n tasks present.

        Weights of absent tasks are not read: one that is not finite would reach the features'
        gradient as NaN, being times 0.

        Args:
            features: that all of the heads read.
            rows: positions `[n]` of the tasks present; None if all T are.
        """
        (first, *further) = [
            (chosen(weight, rows), chosen(bias, rows))
            for weight, bias in zip(self.weights, self.biases, strict=True)
        ]
        weight, bias = first
        pooled = self.scalar.pooled(features)
        out = F.linear(pooled, weight.flatten(0, 1), bias.flatten()).view(-1, *bias.shape)
        if further:
            out = out.transpose(0, 1)  # [n, B, width]
            for weight, bias in further:
                out = torch.baddbmm(bias.unsqueeze(1), out.relu(), weight.mT)
            out = out.transpose(0, 1)
        if self._units is None:
            return out
        mean, scale = (chosen(each(), rows) for each in self._units)
        return mean + scale * out


def _unit(head: nn.Module) -> Mapping[str, Tensor | None]:
    """Returns the buffers with `mean` and `scale` of a head in the unit of its labels."""
    return head.unit._buffers if isinstance(head, InFittedUnit) else head._buffers
