"""Quadratic couplings of the tasks by a matrix that is learned in closed form."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.regularization.algebra.joined import Groups, blocks, bundles, joined, write
from plait.regularization.algebra.quadratic import quadratic, quadratic_prox
from plait.regularization.algebra.singular import singular
from plait.regularization.base import Mode
from plait.regularization.bases.estimating import Estimating


class LearnedCoupling(Estimating):
    """Penalises R = sum_b tr(W_b^T f(S_b) W_b) with a learned relation S of the tasks.

    W_b are the parameters of block b, a row for each task; S_b is positive semi-definite `[T, T]`.

    The best S has the eigenvectors of ``W W^T``: only its eigenvalues differ by method. It is kept
    as both, in float64, so that neither R nor its proximal step needs a decomposition.

    Args:
        per_layer: one S for each layer; by default one for all parameters together.

    The other arguments are those of `Estimating`.
    """

    values: Tensor  # of S, [blocks, T]
    vectors: Tensor  # [blocks, T, T]

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        every: int = 1,
        per_layer: bool = False,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength,
            mode=mode,
            every=every,
            scope=scope,
            include_bias=include_bias,
            heads=heads,
        )
        self.per_layer = per_layer

    @abstractmethod
    def values_at(self, singular_values: Tensor) -> Tensor:
        """Returns the eigenvalues `[T]` of the best S for the singular values `[T]` of W."""

    @abstractmethod
    def first_values(self) -> Tensor:
        """Returns the eigenvalues `[T]` of S before the first estimate."""

    @abstractmethod
    def stiffness(self, values: Tensor) -> Tensor:
        """Returns the eigenvalues `[T]` of f(S) from those of S."""

    def start(self) -> None:
        """Starts from an S that knows no relation: a multiple of the identity."""
        device = self.groups[0][0].device
        like = torch.empty(0, dtype=torch.float64, device=device)  # exact for any parameters
        count = len(self._blocks())
        self.register_buffer("values", self.first_values().to(like).repeat(count, 1))
        self.register_buffer("vectors", torch.eye(len(self.tasks)).to(like).repeat(count, 1, 1))

    @torch.no_grad()
    def estimate(self) -> None:
        """Sets S to the best one for the parameters as they are."""
        pairs = singular([joined(block) for block in self._blocks()])
        for index, (values, vectors) in enumerate(pairs):
            self.values[index].copy_(self.values_at(values))
            self.vectors[index].copy_(vectors)

    def relation(self) -> Tensor:
        """Returns S: `[T, T]`, or `[layers, T, T]` if `per_layer`."""
        found = (self.vectors * self.values[:, None]) @ self.vectors.mT
        return found if self.per_layer else found[0]

    def set_relation(self, relation: Tensor) -> None:
        """Sets S by hand, for all layers, until the next estimate.

        Args:
            relation: symmetric positive semi-definite `[T, T]`.

        Raises:
            ConfigError: `relation` has another shape, or is not symmetric or semi-definite.
        """
        size = len(self.tasks)
        given = relation.detach().to(torch.float64)
        square = tuple(given.shape) == (size, size) and torch.allclose(given, given.T)
        values, vectors = torch.linalg.eigh(given) if square else (given, given)
        if not square or bool(values[0] < -1e-6 * values[-1].abs()):
            raise ConfigError(
                f"`relation` must be symmetric positive semi-definite [{size}, {size}]; found "
                f"{relation.tolist()}."
            )
        self.values.copy_(values.clamp(min=0))
        self.vectors.copy_(vectors)

    def cost(self) -> Tensor:
        """Returns R at the present S, a scalar with a graph to the parameters only."""
        found = [
            quadratic(joined(bundle), self.stiffness(values), vectors)
            for block, values, vectors in self._coupled()
            for bundle in bundles(block)
        ]
        return torch.stack(found).sum()

    def prox(self, step: float) -> None:
        """Applies ``(I + 2 step f(S))^-1`` to the tasks' parameters."""
        for block, values, vectors in self._coupled():
            for bundle in bundles(block):
                rows = joined(bundle).detach()
                write(bundle, quadratic_prox(rows, self.stiffness(values), vectors, step))

    def _coupled(self) -> Iterator[tuple[Groups, Tensor, Tensor]]:
        return zip(self._blocks(), self.values, self.vectors, strict=True)

    def _blocks(self) -> list[Groups]:
        return blocks(self.groups, self.per_layer)
