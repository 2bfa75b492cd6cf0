"""Groups of parameters over all tasks that are kept or dropped together."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.regularization.algebra.rows import shrink_rows
from plait.regularization.base import Mode, ParameterRegularizer


class L21(ParameterRegularizer):
    """Makes the tasks choose their features together: a group is 0 in all of them or in none.

        R = sum_l sum_j |row j of layer l|_2

    A row holds, over all tasks, the weights that read input feature j of the layer, or those that
    make its output j. The gradient is ``row / |row|``, 0 at 0; the proximal step shortens each row
    by ``eta lambda`` and makes a shorter one 0.

    Args:
        strength: lambda, at least 0.
        mode: "loss", or "prox", which alone makes rows exactly 0.
        rows: "input" (default): one row for each input feature or input channel, over tasks,
            outputs and kernel; a bias is one row, that of the constant input. "output": one row for
            each output feature or channel, over tasks, inputs and kernel; each entry of a bias is a
            row over the tasks. Axis 0 of a parameter is its output, axis 1 its input, as in Linear
            and Conv. With one linear output for each task, "input" is the classical joint choice of
            features.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are among the parameters.
        heads: whether the tasks' heads are tied as well.

    Raises:
        ConfigError: unknown rows.

    Cost: O(T P) arithmetic in each step; the memory of the T networks.

    Reference: Argyriou, Evgeniou, Pontil, "Multi-Task Feature Learning", NIPS 2006; Obozinski,
        Taskar, Jordan, "Joint covariate selection and joint subspace selection for multiple
        classification problems", Statistics and Computing, 2010.
    """

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        rows: Literal["input", "output"] = "input",
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, mode=mode, scope=scope, include_bias=include_bias, heads=heads
        )
        if rows not in ("input", "output"):
            raise ConfigError(f"`rows` must be 'input' or 'output'; found {rows!r}.")
        self.rows = rows

    def cost(self) -> Tensor:
        """Returns the sum of the rows' lengths."""
        lengths = [
            torch.linalg.vector_norm(tensor, dim=axes).sum()
            for tensor, axes in map(self._stacked, self.groups)
        ]
        return torch.stack(lengths).sum()

    def prox(self, step: float) -> None:
        """Shortens the rows."""
        with torch.no_grad():
            for layer in self.groups:
                tensor, axes = self._stacked(layer)
                shrunk = shrink_rows(tensor, step, axes)
                for parameter, value in zip(layer, shrunk, strict=True):
                    parameter.copy_(value)

    def _stacked(self, layer: list[nn.Parameter]) -> tuple[Tensor, tuple[int, ...]]:
        """Returns a layer of all tasks, `[T, ...]`, and the axes over which a row extends."""
        tensor = torch.stack(list(layer))
        index = 2 if self.rows == "input" else 1
        return tensor, tuple(axis for axis in range(tensor.dim()) if axis != index)
