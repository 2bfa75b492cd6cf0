"""Convolutions, label by label."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.gramian import gramian
from plait.gradients.labels.layers.base import LabelLayer, operands_of, shape_of, summed
from plait.gradients.labels.places import Use
from plait.gradients.labels.ranks import Ranks
from plait.gradients.layers.short_row import MOVE


class Convolution(LabelLayer):
    """The weight and bias of a convolution of any kind, by one product for each task.

    Args:
        operands: those of the weight and the bias, or of one of them.
        inputs: X `[B, ...]`.
        product: from inputs and gradients of some examples to the gradient at each operand.
        size: multiply-adds of the product for one example.
    """

    def __init__(
        self,
        operands: list[GradientEdge],
        inputs: Tensor,
        product: Callable[[Tensor, Tensor], list[Tensor]],
        size: float,
    ) -> None:
        self.operands = operands
        self.inputs = inputs
        self.product = product
        self.size = size
        self.explicit = len(inputs) * size

    def operations(self, ranks: Ranks) -> float:
        """Counts the rows, which are written once and read once, and their products."""
        tasks, width = len(ranks.tasks), sum(prod(shape_of(edge)) for edge in self.operands)
        return ranks.labels * self.size + tasks * width * (2 * MOVE + tasks)

    def row(self, found: Tensor, ranks: Ranks, task: int) -> list[Tensor]:
        """Multiplies the inputs of the task's examples by its part of D."""
        own = ranks.slices[task]
        if own.start == own.stop:
            return [found.new_zeros(shape_of(edge)) for edge in self.operands]
        return self.product(self.inputs.index_select(0, ranks.example[own]), found[own].squeeze(1))

    def gramian(self, found: Tensor, ranks: Ranks, dtype: torch.dtype) -> Tensor:
        """Forms the rows of this layer."""
        rows: Tensor | None = None
        for task in range(len(ranks.tasks)):
            row = torch.cat([each.flatten() for each in self.row(found, ranks, task)])
            rows = row.new_empty(len(ranks.tasks), len(row)) if rows is None else rows
            rows[task] = row
        assert rows is not None
        return gramian(rows, dtype)

    def weighted(self, found: Tensor, ranks: Ranks, weights: Tensor) -> list[Tensor]:
        """Adds up D by example, each label by the weight of its task, and multiplies once."""
        total = summed(found.squeeze(1), ranks, weights)
        return self.product(self.inputs.to(total), total)


def convolution(use: Use) -> Convolution | None:
    """Returns a convolution of any number of dimensions; None where examples are not in front."""
    node, operands = use.node, operands_of(use)
    inputs, weight = node._saved_input.detach(), node._saved_weight.detach()
    shape = node._input_metadata[0].shape
    if use.output.before > 1 or shape[0] != use.output.examples:
        return None
    turned = node._saved_transposed
    options = (
        [shape[1]],
        node._saved_stride,
        node._saved_padding,
        node._saved_dilation,
        turned,
        node._saved_output_padding,
        node._saved_groups,
        [False, 1 in operands, 2 in operands],
    )

    def product(some: Tensor, found: Tensor) -> list[Tensor]:
        gradients = torch.ops.aten.convolution_backward(found, some, weight.to(some), *options)
        return [each for each in gradients if each is not None]

    pixels = prod((inputs.shape if turned else shape)[2:])
    size = float(pixels * weight.numel() if 1 in operands else pixels * shape[1])
    return Convolution(list(operands.values()), inputs, product, size)
