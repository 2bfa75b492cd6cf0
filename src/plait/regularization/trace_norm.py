"""The trace norm of each layer of all tasks."""

from __future__ import annotations

from torch import Tensor

from plait.regularization.algebra.joined import joined, write
from plait.regularization.algebra.nuclear import nuclear_norms, shrink_singular_values
from plait.regularization.base import ParameterRegularizer


class TraceNorm(ParameterRegularizer):
    """Makes each layer of the tasks a combination of few common ones (low rank).

        R = sum_l |W_l|_* = sum_l sum_i sigma_i(W_l)

    with W_l, `[T, numel]`, the parameters of layer l of all tasks as rows, and sigma_i its singular
    values. The gradient is ``U V^T`` over the singular values above 0, the subgradient of least
    norm; the proximal step is ``sigma_i <- max(sigma_i - eta lambda, 0)``.

    Args:
        strength: lambda, at least 0.
        mode: "loss", or "prox", which alone makes the rank fall exactly.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are among the layers.
        heads: whether the tasks' heads are tied as well.

    Cost: for each layer O(T^2 numel) in each step; one eigendecomposition of all T x T Gram
        matrices and, on a GPU, a wait for it. They are formed in float64; layers in float64 that
        are badly conditioned get a singular value decomposition in place of it.

    Reference: Ji, Ye, "An Accelerated Gradient Method for Trace Norm Minimization", ICML 2009; for
        networks: Yang, Hospedales, "Trace Norm Regularised Deep Multi-Task Learning", ICLR 2017
        (workshop).
    """

    def cost(self) -> Tensor:
        """Returns the sum of the layers' trace norms."""
        return nuclear_norms([joined([layer]) for layer in self.groups]).sum()

    def prox(self, step: float) -> None:
        """Shrinks the singular values of each layer."""
        layers = self.groups
        rows = [joined([layer]).detach() for layer in layers]
        for layer, shrunk in zip(layers, shrink_singular_values(rows, step), strict=True):
            write([layer], shrunk)
