"""Short rows: vectors that stand for the gradients at a layer's parameters.

A short row is an isometric image of the gradient: the inner products of short rows are those of the
gradients. It follows from the gradient at the layer's output, and is never longer than the
gradient at its parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

Uses = Mapping[int, Tensor]  # {position among a node's inputs: parameter}
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

    def recover(self) -> bool:
        """Prepares itself in another way, if that can mend a row that is not finite."""
        return False

    @abstractmethod
    def write(self, gradient: Tensor, row: Tensor) -> None:
        """Writes the short row of a task.

        Args:
            gradient: of the task's loss at the output of the node.
            row: `[width]`, not yet set.
        """


class Explicit(ShortRow):
    """Takes the gradient itself, or those parts of it that are not zero for every task.

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
        places = torch.split(row, [part.numel() for part in found])
        for part, place in zip(found, places, strict=True):
            place.view(part.shape).copy_(part)


class Product(ShortRow):
    """Takes the gradient at a weight that multiplies `inputs`, and at its bias.

        W' = X^T D,    b' = 1^T D

    Args:
        parameters: the weight, and the bias if it counts.
        inputs: X `[N, I]`, when it is asked for.
        shape: (N, I, O), O the number of outputs.
        matrix: from the gradient at the output of the node to D `[N, O]`.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        inputs: Callable[[], Tensor],
        shape: tuple[int, int, int],
        matrix: Callable[[Tensor], Tensor],
    ) -> None:
        self.parameters = parameters
        self.matrix = matrix
        self._inputs = inputs
        self.biases = len(parameters) - 1
        self.count, self.size, self.outputs = shape
        self.width = (self.size + self.biases) * self.outputs
        self.each = self.explicit = float(self.count * self.size * self.outputs)

    @cached_property
    def inputs(self) -> Tensor:
        """The inputs X `[N, I]`."""
        return self._inputs()

    def write(self, gradient: Tensor, row: Tensor) -> None:
        """Multiplies straight into the row."""
        found = self.matrix(gradient)
        rows = row.view(-1, self.outputs)
        torch.mm(self.inputs.T, found, out=rows[: self.size])
        if self.biases:
            torch.sum(found, dim=0, out=rows[self.size])


class Root(Product):
    """Takes `[N, O]` instead of the `[I + 1, O]` numbers of `Product`, for few examples.

        R D    with    R^T R = X X^T + 1 1^T,    R [N, N]

    since <R D_s, R D_t> = <X^T D_s, X^T D_t> + <1^T D_s, 1^T D_t>; without a bias the matrix of
    ones is left out. R is found in float64, so that it adds no error to what a row has.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        inputs: Callable[[], Tensor],
        shape: tuple[int, int, int],
        matrix: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__(parameters, inputs, shape, matrix)
        self.width = self.count * self.outputs
        self.by_eigenvalues = False
        self.once = preparation(self.count, self.size)
        self.each = float(self.count * self.width)

    @cached_property
    def products(self) -> Tensor:
        """X X^T + 1 1^T `[N, N]`, in float64."""
        inputs = self.inputs.double()
        return inputs @ inputs.T + self.biases

    @cached_property
    def root(self) -> Tensor:
        """R; NaN where it could not be found in this way, which nobody has to wait for here."""
        products = self.products
        if self.by_eigenvalues:
            values, vectors = torch.linalg.eigh(products)
            lower = vectors * values.clamp(min=0).sqrt()
        else:
            # What rounding may take from the least eigenvalue
            rounding = self.count * torch.finfo(torch.float64).eps * products.trace()
            eye = torch.eye(self.count, dtype=torch.float64, device=products.device)
            lower, failed = torch.linalg.cholesky_ex(products + rounding * eye)
            lower = torch.where(failed == 0, lower, torch.nan)
            lower = torch.where(products.trace() == 0, 0.0, lower)  # of inputs that are zero
        upper: Tensor = lower.T.to(self.inputs.dtype)
        return upper

    def recover(self) -> bool:
        """Takes the eigenvalues, if the inputs are finite and R is not; waits for the device."""
        failed = bool(self.products.isfinite().all()) and not bool(self.root.isfinite().all())
        if failed:
            self.by_eigenvalues = True
            del self.root
        return failed

    def write(self, gradient: Tensor, row: Tensor) -> None:
        """Multiplies straight into the row."""
        torch.mm(self.root, self.matrix(gradient), out=row.view(-1, self.outputs))


def preparation(count: int, size: int) -> float:
    """Returns the multiply-adds for R, in float64, which takes twice the time.

    Args:
        count: rows of the inputs, N.
        size: columns of the inputs, I.
    """
    return 2.0 * count * count * size + 2.0 * count**3 / 3


def is_root_cheaper(shape: tuple[int, int, int], tasks: int) -> bool:
    """Returns whether `Root` takes less than `Product`.

    Args:
        shape: (N, I, O), as of `Product`.
        tasks: the number of tasks.
    """
    count, size, outputs = shape
    saved = tasks * outputs * (count + MOVE) * (size - count)
    return saved > preparation(count, size)
