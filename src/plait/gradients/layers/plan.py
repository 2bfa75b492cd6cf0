"""The Gramian from the layers' inputs and output gradients: no gradient at a weight is formed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from plait.core.real import as_real, real_count, real_dtype
from plait.gradients.gramian import gramian
from plait.gradients.layers.nodes import short_row
from plait.gradients.layers.short_row import MOVE, ShortRow
from plait.gradients.layers.uses import single_uses
from plait.gradients.scratch import Scratch


@dataclass(frozen=True)
class LayerGradients:
    """Holds the Gramian of the tasks' gradients, formed without rows.

    Attributes:
        rows: the short rows; the next step reuses their memory.
        own: `(parameter, task, gradient)` of the parameters that one task reaches; empty if the
            plan has none.
    """

    rows: Tensor
    own: list[tuple[Tensor, str, Tensor]]

    def multiply(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns the inner products of the tasks' gradients at the shared parameters.

        Args:
            dtype: in which they are multiplied, at least.

        Returns:
            `[T, T]`, float64.
        """
        return gramian(self.rows, dtype)


@dataclass
class LayerPlan:
    """Plans the Gramian of a step from short rows, and tells its cost.

    Each task is differentiated with respect to the outputs of the layers only, so that autograd
    skips every gradient at their weights. For a linear layer with inputs X, those of two tasks have
    the inner product ``<X^T D_s, X^T D_t>``, D the gradients at its outputs; where there are fewer
    examples than inputs, ``R D`` with ``R^T R = X X^T`` has the same inner products and is shorter.
    A parameter that is used several times, or by an operation that is not known, gets its gradient
    as it is.

    Attributes:
        shared: all shared parameters.
        own: the others.
        layers: `(node, short row)`; empty if no shared parameter has a short row.
        leftover: shared parameters outside the layers.
        tasks: the number of tasks.
        dtype: of the short rows.

    Example:
        >>> body, heads = torch.nn.Linear(3, 2), torch.nn.Linear(2, 2)
        >>> output = heads(body(torch.ones(4, 3)))
        >>> losses = {"a": output[:, 0].mean(), "b": output[:, 1].mean()}
        >>> plan = LayerPlan.of(losses, [*body.parameters(), *heads.parameters()])
        >>> plan.coverage, plan.run(losses).multiply().shape
        (1.0, torch.Size([2, 2]))
    """

    shared: list[Tensor]
    own: list[Tensor]
    layers: list[tuple[Any, ShortRow]]
    leftover: list[Tensor]
    tasks: int
    dtype: torch.dtype = field(init=False)

    def __post_init__(self) -> None:
        self.dtype = real_dtype(self.shared, torch.float32)

    @classmethod
    def of(
        cls, losses: Mapping[str, Tensor], shared: Sequence[Tensor], own: Sequence[Tensor] = ()
    ) -> LayerPlan:
        """Finds the layers in the graph.

        Args:
            losses: `{task: scalar}`; their graph is not freed.
            shared: parameters whose gradients are compared.
            own: parameters whose gradients are wanted as they are.
        """
        like = {(parameter.dtype, parameter.device) for parameter in shared}
        layers = []
        if len(like) == 1:  # the buffer is of one kind
            for node, uses in single_uses(losses.values(), shared).items():
                row = short_row(node, uses, len(losses))
                if row is not None:
                    layers.append((node, row))
        covered = {id(parameter) for _, row in layers for parameter in row.parameters}
        leftover = [parameter for parameter in shared if id(parameter) not in covered]
        return cls(list(shared), list(own), layers, leftover, len(losses))

    @property
    def coverage(self) -> float:
        """The share of the shared parameters' numbers that have a layer."""
        total = sum(real_count(parameter) for parameter in self.shared)
        return 1 - sum(map(real_count, self.leftover)) / total if total else 1.0

    @property
    def width(self) -> int:
        """Numbers in a short row of all layers, with the leftover gradients."""
        return sum(row.width for _, row in self.layers) + sum(map(real_count, self.leftover))

    @property
    def bytes(self) -> dict[str, int]:
        """Bytes of the buffer by route, `{"layers": n, "rows": n}`."""
        full = sum(real_count(parameter) for parameter in self.shared)
        return {
            "layers": self.tasks * self.width * self.dtype.itemsize,
            "rows": self.tasks * full * self.dtype.itemsize,
        }

    @property
    def operations(self) -> dict[str, float]:
        """Multiply-adds of each route, less what both take: T passes to the layers' outputs.

        Rows are written twice (by autograd, and to the buffer) and read for the Gramian and for the
        direction, short rows are written once and read once; the weights are then applied by one
        more backward pass, of which the layers' two products are counted.
        """
        full = sum(real_count(parameter) for parameter in self.shared)
        explicit = sum(row.explicit for _, row in self.layers)
        once = sum(row.once for _, row in self.layers)
        each = sum(row.each for _, row in self.layers)
        pairs = self.tasks * self.tasks
        return {
            "layers": once
            + 2 * explicit
            + self.tasks * (each + 2 * MOVE * self.width)
            + pairs * self.width,
            "rows": self.tasks * (explicit + 4 * MOVE * full) + pairs * full,
        }

    @property
    def is_cheaper(self) -> bool:
        """Whether the route takes less than rows."""
        operations = self.operations
        return operations["layers"] < operations["rows"]

    def run(self, losses: Mapping[str, Tensor], scratch: Scratch | None = None) -> LayerGradients:
        """Differentiates each task once; keeps the graph for the weighted backward pass.

        Args:
            losses: those that the plan was made of.
            scratch: memory of an earlier step; new by default.
        """
        device = self.shared[0].device if self.shared else None
        matrix = (scratch or Scratch()).take(len(losses), self.width, self.dtype, device)
        edges = [GradientEdge(node, 0) for node, _ in self.layers]
        inputs: list[Any] = [*edges, *self.leftover, *self.own]
        own: list[tuple[Tensor, str, Tensor]] = []
        for row, (task, loss) in zip(matrix, losses.items(), strict=True):
            if not inputs:
                break
            found: list[Tensor | None] = list(
                torch.autograd.grad(loss, inputs, retain_graph=True, allow_unused=True)
            )
            at_own = zip(self.own, found[len(inputs) - len(self.own) :], strict=True)
            own += [(p, task, gradient) for p, gradient in at_own if gradient is not None]
            self._write(row, found)
        return LayerGradients(matrix, own)

    def recover(self) -> bool:
        """Prepares the layers in another way; returns whether a second `run` may be finite."""
        recovered = [layer.recover() for _, layer in self.layers]  # each of them
        return any(recovered)

    def _write(self, row: Tensor, found: list[Tensor | None]) -> None:
        """Writes the row of a task, and lets go of each gradient when it is written."""
        writers = [layer.write for _, layer in self.layers] + [_copy] * len(self.leftover)
        widths = [layer.width for _, layer in self.layers]
        widths += [real_count(parameter) for parameter in self.leftover]
        with torch.no_grad():
            for position, place in enumerate(torch.split(row, widths)):
                gradient, found[position] = found[position], None
                if gradient is None:
                    place.zero_()
                else:
                    writers[position](gradient, place)


def _copy(gradient: Tensor, place: Tensor) -> None:
    dense = as_real(gradient.to_dense() if gradient.is_sparse else gradient)
    place.view(dense.shape).copy_(dense)
