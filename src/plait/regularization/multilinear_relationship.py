"""Learns the covariances of tasks, inputs and outputs of each layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.watched import Watched
from plait.regularization.algebra.correlation import correlation_of, table
from plait.regularization.algebra.joined import write
from plait.regularization.algebra.modes import along, mode_product
from plait.regularization.algebra.singular import gram
from plait.regularization.algebra.unfold import unfold
from plait.regularization.base import Mode
from plait.regularization.bases.estimating import Estimating


class MultilinearRelationship(Estimating):
    """Learns how tasks, outputs and inputs of each layer are related (MRN).

        R = sum_l vec(W_l)^T (S_out x S_in x S_T)^-1 vec(W_l)

    with W_l, `[out, in, T]`, the parameters of layer l of all tasks (a kernel counts as inputs; a
    bias is `[out, T]`), and x the Kronecker product: a tensor normal prior. The networks learn with
    the covariances held; after `every` steps each is set in turn to its best value for the others,

        S_k = W_(k) (x of the others)^-1 W_(k)^T / (numel / D_k) + eps I

    with W_(k) the layer unfolded by axis k, of length D_k. Until then they are the identity, and R
    is ``|W|^2``. The proximal step is exact, in the eigenvectors of all three.

    Args:
        strength: lambda, at least 0. In mode "loss", gradient descent diverges unless
            ``learning rate x 2 lambda < 2 s``, with s the smallest product of eigenvalues of the
            covariances; mode "prox" is stable for any lambda.
        mode: "loss" or "prox".
        every: optimizer steps from one estimate to the next, at least 1; 100 by default (as in the
            authors' code).
        eps: above 0; 1e-3 by default (ours).
        scope: a pattern of parameter names, such as that of the last layers, which the paper ties.
        include_bias: whether biases are tied.
        heads: whether the tasks' heads are tied as well.

    Raises:
        ConfigError: an option outside its range.

    Cost: for a layer O(numel T (out + in + T)) in each step, and O(out^3 + in^3) for an estimate,
        with the memory of the covariances: for layers that are not very wide.

    Differs: the authors' code leaves small eigenvalues as they are when it inverts a covariance;
        here the inverse is exact.

    Reference: Long, Cao, Wang, Yu, "Learning Multiple Tasks with Multilinear Relationship
        Networks", NIPS 2017.
    """

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        every: int = 100,
        eps: float = 1e-3,
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
        if not eps > 0:
            raise ConfigError(f"`eps` must be above 0; found {eps}.")
        self.eps = eps

    def start(self) -> None:
        """Starts from identity matrices as covariances."""
        for index, layer in enumerate(self.groups):
            tensor = self._tensor(layer).detach()
            for axis, size in enumerate(tensor.shape):
                values, vectors = _names(index, axis)
                self.register_buffer(values, tensor.new_ones(size))
                self.register_buffer(vectors, torch.eye(size).to(tensor))

    @torch.no_grad()
    def estimate(self) -> None:
        """Sets each covariance in turn to the best one for the others."""
        for index, layer in enumerate(self.groups):
            tensor = self._tensor(layer)
            for axis, size in enumerate(tensor.shape):
                white = tensor
                for other in range(tensor.dim()):
                    if other != axis:
                        values, vectors = self._eigen(index, other, tensor)
                        scale = along(values.rsqrt(), other, tensor.dim())
                        white = mode_product(white, vectors.T, other) * scale
                covariance = gram(unfold(white, [axis])) / (tensor.numel() / size)
                covariance.diagonal().add_(self.eps)
                found, axes = torch.linalg.eigh(covariance)
                for name, value in zip(_names(index, axis), (found, axes), strict=True):
                    self.get_buffer(name).copy_(value)

    def covariance(self, layer: int, axis: int) -> Tensor:
        """Returns S of one axis of a layer: outputs, inputs, and tasks last."""
        values, vectors = (self.get_buffer(name) for name in _names(layer, axis))
        return (vectors * values) @ vectors.T

    def correlation(self) -> Tensor:
        """Returns the correlations `[T, T]` of the tasks, the mean over the layers."""
        last = [self._tensor(layer).dim() - 1 for layer in self.groups]
        found = [correlation_of(self.covariance(index, axis)) for index, axis in enumerate(last)]
        return torch.stack(found).mean(dim=0)

    def watched(self) -> dict[str, Watched]:
        """Returns the correlations as a table by task."""
        return {"MultilinearRelationship: correlation": table(self.correlation(), self.tasks)}

    def cost(self) -> Tensor:
        """Returns R at the present covariances, a scalar with a graph to the parameters only."""
        found = []
        for index, layer in enumerate(self.groups):
            turned, precision = self._turned(index, self._tensor(layer))
            found.append((turned.square() * precision).sum())
        return torch.stack(found).sum()

    def prox(self, step: float) -> None:
        """Shrinks each direction by its precision."""
        for index, layer in enumerate(self.groups):
            tensor = self._tensor(layer).detach()
            turned, precision = self._turned(index, tensor)
            shrunk = turned / (1 + 2 * step * precision)
            for axis in range(tensor.dim()):
                shrunk = mode_product(shrunk, self._eigen(index, axis, tensor)[1], axis)
            write([layer], shrunk.movedim(-1, 0).flatten(1))

    def _turned(self, index: int, tensor: Tensor) -> tuple[Tensor, Tensor]:
        """Returns a layer in the eigenvectors of its covariances, and the precision of each."""
        precision = tensor.new_ones(())
        for axis in range(tensor.dim()):
            values, vectors = self._eigen(index, axis, tensor)
            tensor = mode_product(tensor, vectors.T, axis)
            precision = precision / along(values, axis, tensor.dim())
        return tensor, precision

    def _tensor(self, layer: list[nn.Parameter]) -> Tensor:
        """Returns a layer of all tasks, `[out, in, T]`, or `[out, T]`."""
        flat = [each.flatten(1) if each.dim() > 1 else each.reshape(-1) for each in layer]
        stacked = torch.stack(flat, dim=-1)
        return stacked.to(torch.promote_types(stacked.dtype, torch.float32))

    def _eigen(self, index: int, axis: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Returns eigenvalues and eigenvectors of a covariance in the precision of a tensor."""
        values, vectors = _names(index, axis)
        return self.get_buffer(values).to(like), self.get_buffer(vectors).to(like)


def _names(index: int, axis: int) -> tuple[str, str]:
    return f"values_{index}_{axis}", f"vectors_{index}_{axis}"
