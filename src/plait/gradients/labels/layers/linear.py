"""Matrix products with a weight, label by label."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import prod

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.gradients.gramian import gramian
from plait.gradients.labels.layers.base import (
    LabelLayer,
    by_example,
    by_example_shape,
    operands_of,
    shape_of,
    summed,
)
from plait.gradients.labels.layers.scales import addition
from plait.gradients.labels.places import Use
from plait.gradients.labels.ranks import Ranks
from plait.gradients.layers.short_row import MOVE

SCRATCH = 1 << 24  # numbers of a block of rows, or of products by label, that are held at once
TILE = 128  # labels in one product of the kernel: tiles leave most of one half out
CALL = 2.5e5  # multiply-adds in the time of a call that does little
EXPONENT = 126  # of the powers of two that single precision holds, and whose inverses it holds


class Linear(LabelLayer):
    """The weight that multiplies inputs, and the bias that is added, if they count.

        W' = sum_n x_e(n)^T d_n,    b' = sum_n d_n

    The Gramian is formed in the cheaper of two ways: from the rows W', block by block, or, with one
    position an example, from the kernel of labels ``(x_e(m) x_e(n) + 1) (d_m d_n)``, which is
    summed over the labels m of one task and n of the other, half of the pairs standing for all.
    No row is formed then.

    Args:
        operands: those of the weight `[I, O]` and, if there are two, the bias.
        inputs: X `[B, S, I]`, S positions an example, when it is asked for.
        shape: (B, S, I, O).
    """

    def __init__(
        self,
        operands: list[GradientEdge],
        inputs: Callable[[], Tensor],
        shape: tuple[int, int, int, int],
    ) -> None:
        self.operands = operands
        self._inputs = inputs
        self.shape = shape
        self.outputs = shape[3]
        self.explicit = float(prod(shape))
        self.biases = len(operands) - 1

    @cached_property
    def inputs(self) -> Tensor:
        """The inputs X `[B, S, I]`."""
        return self._inputs()

    def operations(self, ranks: Ranks) -> float:
        """Counts the cheaper way."""
        return min(self.by_rows(ranks), self.by_kernel(ranks))

    def by_rows(self, ranks: Ranks) -> float:
        """Multiply-adds of the Gramian from rows, which are written once and read once."""
        _, positions, size, _ = self.shape
        tasks, width = len(ranks.tasks), size * self.outputs
        products = ranks.labels * positions * width
        calls = (2 * tasks + 6) * CALL
        return float(products + 2 * MOVE * tasks * width + tasks * tasks * width + calls)

    def by_kernel(self, ranks: Ranks) -> float:
        """Multiply-adds of the Gramian from the kernel; infinite with several positions."""
        examples, positions, size, _ = self.shape
        if positions > 1:
            return float("inf")
        pairs = ranks.labels * (ranks.labels + TILE) / 2
        products = examples * examples * size + pairs * self.outputs
        return float(products + 3 * MOVE * pairs + 20 * CALL)

    def row(self, found: Tensor, ranks: Ranks, task: int) -> list[Tensor]:
        """Multiplies the inputs of the task's examples by its part of D."""
        own = ranks.slices[task]
        inputs = self.inputs.index_select(0, ranks.example[own]).flatten(0, 1)
        return self._products(inputs, found[own].reshape(-1, self.outputs))

    def gramian(self, found: Tensor, ranks: Ranks, dtype: torch.dtype) -> Tensor:
        """Takes the cheaper way."""
        wide = torch.promote_types(found.dtype, dtype)
        inputs, found = self.inputs.to(wide), found.to(wide)
        if self.by_kernel(ranks) < self.by_rows(ranks):
            return self._from_kernel(inputs.flatten(1), found.flatten(1), ranks)
        return self._from_rows(inputs, found.view(len(found), inputs.shape[1], self.outputs), ranks)

    def weighted(self, found: Tensor, ranks: Ranks, weights: Tensor) -> list[Tensor]:
        """Adds up D by example, each label by the weight of its task, and multiplies once."""
        total = summed(found.flatten(1), ranks, weights)
        return self._products(self.inputs.to(total).flatten(0, 1), total.view(-1, self.outputs))

    def _products(self, inputs: Tensor, found: Tensor) -> list[Tensor]:
        weight = (found.T @ inputs).T  # contiguous for a weight that is stored as [O, I]
        biases = [found.sum(0).view(shape_of(edge)) for edge in self.operands[1:]]
        return [weight, *biases]

    def _from_rows(self, inputs: Tensor, found: Tensor, ranks: Ranks) -> Tensor:
        """Forms the rows for some of the inputs at a time, in memory that is used again."""
        tasks, size = len(ranks.tasks), inputs.shape[2]
        step = max(1, min(size, SCRATCH // (tasks * self.outputs)))
        rows = found.new_empty(tasks, step, self.outputs)
        by_task = [found[own].flatten(0, 1) for own in ranks.slices]
        total = torch.zeros(tasks, tasks, dtype=torch.float64, device=found.device)
        for start in range(0, size, step):
            block = inputs[:, :, start : start + step]
            used = rows[:, : block.shape[2]]
            for row, own, matrix in zip(used, ranks.slices, by_task, strict=True):
                chosen = block.index_select(0, ranks.example[own]).flatten(0, 1)
                torch.mm(chosen.T, matrix, out=row)
            total += gramian(used.flatten(1), found.dtype)
        if self.biases:
            total += gramian(torch.stack([matrix.sum(0) for matrix in by_task]), found.dtype)
        return total

    def _from_kernel(self, inputs: Tensor, found: Tensor, ranks: Ranks) -> Tensor:
        """Forms one half of the kernel, some of the labels at a time; it is symmetric."""
        inputs, size = _scaled(inputs, 1.0 if self.biases else 0.0)
        found, length = _scaled(found)
        each = (size[ranks.example] * length).flatten()
        largest = each.new_zeros(len(ranks.tasks)).scatter_reduce_(0, ranks.task, each, "amax")
        found *= (each / largest[ranks.task]).to(found.dtype)[:, None]
        among = inputs @ inputs.T
        if self.biases:
            among += (1 / (size * size.T)).to(among.dtype)
        total = torch.diag(torch.zeros_like(largest))
        for start in range(0, len(found), TILE):
            some, further = slice(start, start + TILE), slice(start, None)
            kernel = found[some] @ found[further].T
            pairs = among.index_select(0, ranks.example[some])
            kernel *= pairs.index_select(1, ranks.example[further])
            kernel[:, TILE:] *= 2  # the other half
            by_task = kernel.new_zeros(len(ranks.tasks), kernel.shape[1])
            by_task.index_add_(0, ranks.task[some], kernel)  # along rows, which are contiguous
            total.index_add_(0, ranks.task[further], by_task.T.double().contiguous())
        return (total + total.T) / 2 * torch.outer(largest, largest)


def linear(use: Use) -> LabelLayer | None:
    """Returns ``bias + x @ weight``, x `[N, I]` and weight `[I, O]`, or ``x @ weight``.

    None for other factors than 1, for a bias that is more than a row, and for a weight that is on
    the left or differs by position.
    """
    node, operands = use.node, operands_of(use)
    if node.name() == "MmBackward0":
        weight, saved = operands.get(1), node._saved_self
        return None if weight is None else _product(use, [weight], saved)
    if node.name() != "AddmmBackward0" or node._saved_alpha != 1 or node._saved_beta != 1:
        return None
    if 0 in operands and shape_of(operands[0]).numel() != node._input_metadata[0].shape[1]:
        return None
    if 2 not in operands:
        return addition(use)
    edges = [operands[position] for position in (2, 0) if position in operands]
    return _product(use, edges, node._saved_mat1)


def _product(use: Use, edges: list[GradientEdge], saved: Tensor) -> Linear | None:
    place = use.input
    assert place is not None
    if by_example_shape(saved.shape, place) is None:
        return None
    size, outputs = saved.shape[1], use.node._input_metadata[0].shape[1]
    positions = place.count // (place.examples * size)
    shape = (place.examples, positions, size, outputs)
    return Linear(edges, lambda: by_example(saved.detach(), place).reshape(shape[:3]), shape)


def _scaled(rows: Tensor, least: float = 0.0) -> tuple[Tensor, Tensor]:
    """Splits rows into ones near 1 and powers of two `[n, 1]`, so that no product is lost.

    A row that is zero or not finite stays as it is.

    Args:
        rows: `[n, width]`.
        least: a row counts as if its largest number were not below this.
    """
    largest = rows.abs().amax(1, keepdim=True) if rows.shape[1] else rows.new_zeros(len(rows), 1)
    largest = largest.clamp(min=least)
    known = (largest > 0) & largest.isfinite()
    exponent = torch.frexp(torch.where(known, largest, 1.0))[1].clamp(-EXPONENT, EXPONENT)
    power = torch.ldexp(torch.ones_like(largest, dtype=torch.float64), exponent)
    return rows * (1 / power).to(rows.dtype), power
