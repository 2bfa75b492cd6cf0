"""Short rows: vectors that stand for the gradients at a layer's parameters.

A short row is an isometric image of the gradient: the inner products of short rows are those of the
gradients. It follows from the gradient at the layer's output, and is never longer than the
gradient at its parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

MOVE = 20.0  # multiply-adds in the time in which a number is written to memory or read from it


class ShortRow(ABC):
    """The short row of the parameters that one node of the graph uses.

    Attributes:
        parameters: those that it stands for.
        width: numbers in it.
        once: multiply-adds to prepare it in a step.
        each: multiply-adds for each task.
        explicit: multiply-adds of the gradient itself for each task.
    """

    parameters: list[Tensor]
    width: int
    once: float = 0.0
    each: float
    explicit: float

    @abstractmethod
    def write(self, gradient: Tensor, row: Tensor) -> None:
        """Writes the short row of a task.

        Args:
            gradient: of the task's loss at the output of the node.
            row: `[width]`, not yet set.
        """


class Explicit(ShortRow):
    """The gradient itself, or those parts of it that are not zero for every task.

    Args:
        parameters: those that it stands for.
        gradients: from the gradient at the output to those parts.
        width: numbers in those parts.
        operations: multiply-adds of `gradients`.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        gradients: Callable[[Tensor], Sequence[Tensor]],
        width: int,
        operations: float,
    ) -> None:
        self.parameters = parameters
        self.gradients = gradients
        self.width = width
        self.each = self.explicit = operations

    def write(self, gradient: Tensor, row: Tensor) -> None:
        """Writes the parts one after the other."""
        found = self.gradients(gradient)
        for part, place in zip(found, row.split([part.numel() for part in found]), strict=True):
            place.view(part.shape).copy_(part)


class Product(ShortRow):
    """The gradient at a weight that multiplies `inputs`, and at its bias.

        W' = X^T D,    b' = 1^T D

    Args:
        parameters: the weight, and the bias if it counts.
        inputs: X `[N, I]`.
        outputs: O, the number of outputs.
        matrix: from the gradient at the output of the node to D `[N, O]`.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        inputs: Tensor,
        outputs: int,
        matrix: Callable[[Tensor], Tensor],
    ) -> None:
        self.parameters = parameters
        self.inputs, self.outputs, self.matrix = inputs, outputs, matrix
        self.width = (inputs.shape[1] + len(parameters) - 1) * outputs
        self.each = self.explicit = float(inputs.numel() * outputs)

    def write(self, gradient: Tensor, row: Tensor) -> None:
        """Multiplies straight into the row."""
        found = self.matrix(gradient)
        rows = row.view(-1, self.outputs)
        size = self.inputs.shape[1]
        torch.mm(self.inputs.T, found, out=rows[:size])
        if len(rows) > size:
            torch.sum(found, dim=0, out=rows[size])


class Root(Product):
    """The same for few examples: `[N, O]` instead of `[I + 1, O]` numbers.

        R D    with    R^T R = X X^T + 1 1^T,    R [N, N]

    since <R D_s, R D_t> = <X^T D_s, X^T D_t> + <1^T D_s, 1^T D_t>; without a bias the matrix of
    ones is left out. R is found in float64, so that it adds no error to what a row has.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        inputs: Tensor,
        outputs: int,
        matrix: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__(parameters, inputs, outputs, matrix)
        count = len(inputs)
        self.width = count * outputs
        # Float64 takes twice the time; the symmetric product is not halved
        self.once = 2.0 * count * inputs.numel() + 2.0 * count**3 / 3
        self.each = float(count) * self.width

    @cached_property
    def root(self) -> Tensor:
        """R."""
        inputs = self.inputs.double()
        products = inputs @ inputs.T + (len(self.parameters) - 1)
        # What rounding may take from the least eigenvalue
        rounding = len(inputs) * torch.finfo(torch.float64).eps * products.trace()
        eye = torch.eye(len(inputs), dtype=torch.float64, device=inputs.device)
        lower, failed = torch.linalg.cholesky_ex(products + rounding * eye)
        if failed:  # inputs of zero, or not finite: the product with a NaN names the task
            lower = torch.full_like(products, torch.nan)
            if bool(products.isfinite().all()):
                values, vectors = torch.linalg.eigh(products)
                lower = vectors * values.clamp(min=0).sqrt()
        return lower.T.to(self.inputs.dtype)

    def write(self, gradient: Tensor, row: Tensor) -> None:
        """Multiplies straight into the row."""
        torch.mm(self.root, self.matrix(gradient), out=row.view(-1, self.outputs))


def product(
    parameters: list[Tensor],
    inputs: Tensor,
    outputs: int,
    matrix: Callable[[Tensor], Tensor],
    tasks: int,
) -> Product:
    """Returns the row of a product that takes fewer operations for so many tasks."""
    ways = [kind(parameters, inputs, outputs, matrix) for kind in (Product, Root)]
    return min(ways, key=lambda way: way.once + tasks * (way.each + MOVE * way.width))
