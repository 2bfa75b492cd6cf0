"""Sums of what several experts made of one input, weighted by gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from plait.core.features import Features
from plait.core.pooling import pool

SMALL = 2**14  # numbers in an output, below which a call costs more than its arithmetic


class Made:
    """What one expert made of an input. Lives for one pass.

    Args:
        values: `[B, C, ...]`, or `[B, ..., C]` if `channel_dim` is -1.
        channel_dim: the axis of the channels, 1 or -1.
        mask: boolean `[B, N]` of the real positions, if there is one.
    """

    def __init__(self, values: Tensor, channel_dim: int = 1, mask: Tensor | None = None) -> None:
        self.values = values
        self.channel_dim = channel_dim
        self.mask = mask
        self._pooled: Tensor | None = None

    def pooled(self) -> Tensor:
        """Returns the mean over the positions, `[B, C]`; computed once."""
        if self._pooled is None:
            self._pooled = pool(Features((self.values,), self.channel_dim, self.mask))
        return self._pooled


class Blend:
    """What several experts made of one input, and weighted sums of it. Lives for one pass.

    Args:
        made: of each expert, all of one shape.
    """

    def __init__(self, made: Sequence[Made]) -> None:
        self.made = made
        self._mean: Tensor | None = None
        self._stacked: Tensor | None = None

    def by(self, weights: Tensor) -> Tensor:
        """Returns sum_e weights_e f_e for weights `[B, E]`, or `[E]` for all examples alike."""
        return self.all_by([weights])[0]

    def all_by(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """Returns the sums for several gates at once; in the graph each depends on all of them."""
        first = self.made[0].values
        # under autocast, a softmax is in float32
        each = [w.to(first.dtype).expand(len(first), -1) for w in weights]
        if first.dim() == 2 and (first.device.type != "cpu" or first.numel() < SMALL):
            return [*torch.bmm(torch.stack(each, dim=1), self._stack()).unbind(dim=1)]
        outputs = [made.values for made in self.made]
        if torch.compiler.is_compiling():  # which joins the steps of its own accord
            return [_sum(w, outputs) for w in each]
        return [*_Sums.apply(len(each), *each, *outputs)]  # type: ignore[no-untyped-call]

    def mean(self) -> Tensor:
        """Returns the mean over the experts of their pooled outputs, `[B, C]`; computed once."""
        if self._mean is None:
            self._mean = torch.stack([made.pooled() for made in self.made]).mean(dim=0)
        return self._mean

    def _stack(self) -> Tensor:
        if self._stacked is None:
            self._stacked = torch.stack([made.values for made in self.made], dim=1)
        return self._stacked


def _sum(weights: Tensor, outputs: Sequence[Tensor]) -> Tensor:
    """Adds the outputs up one by one, which copies none of them and keeps their memory layout."""
    return _sum_of_products(outputs, _shares(weights, outputs[0]))


def _shares(weights: Tensor, output: Tensor) -> list[Tensor]:
    """Returns each expert's weights in a shape that multiplies its output."""
    trailing = (1,) * (output.dim() - 1)
    return [share.view(-1, *trailing) for share in weights.unbind(dim=-1)]


def _sum_of_products(factors: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    total = factors[0] * others[0]
    for factor, other in zip(factors[1:], others[1:], strict=True):
        total = torch.addcmul(total, factor, other)
    return total


class _Sums(torch.autograd.Function):
    """`_sum` for several gates; its derivative passes over memory less often than autograd's."""

    generate_vmap_rule = True

    @staticmethod
    def forward(gates: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(_sum(weights, tensors[gates:]) for weights in tensors[:gates])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.gates = inputs[0]
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        weights, outputs = ctx.saved_tensors[: ctx.gates], ctx.saved_tensors[ctx.gates :]
        needed = ctx.needs_input_grad[1:]
        rest = tuple(range(1, outputs[0].dim()))
        of_weights = [
            torch.stack([(gradient * output).sum(dim=rest) for output in outputs], dim=-1)
            if need
            else None
            for gradient, need in zip(gradients, needed[: ctx.gates], strict=True)
        ]
        by_gate = [_shares(each, outputs[0]) for each in weights]
        of_outputs = [
            _sum_of_products(gradients, shares) if need else None
            for shares, need in zip(zip(*by_gate, strict=True), needed[ctx.gates :], strict=True)
        ]
        return (None, *of_weights, *of_outputs)
