"""The trace norms of each layer of all tasks as a tensor."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.regularization.algebra.nuclear import nuclear_norms
from plait.regularization.algebra.unfold import FORMS, Form, row_axes, unfold, written
from plait.regularization.base import Mode, ParameterRegularizer


class TensorTraceNorm(ParameterRegularizer):
    """Makes each layer of the tasks a tensor of low rank, along its inputs and outputs as well.

        R = sum_l sum_k |W_l unfolded by k|_*

    with W_l the parameters of layer l of all tasks, stacked along a new last axis, and k the
    unfoldings of its form, each a division of the axes into the rows and the columns of a matrix:

        "last_axis"     tasks against all else; this is `TraceNorm`
        "tucker"        each axis against all others
        "tensor_train"  the first k axes against the rest, k = 1, 2, ...
        "all"           every division in two (the generalised norm with equal weights)

    Args:
        strength: lambda, at least 0.
        mode: "loss" only.
        form: the unfoldings; "tucker" by default.
        reduction: "sum" over the unfoldings of a layer, as in the paper, or "mean", which does not
            grow with the number of axes.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases, as matrices `[numel, T]`, are among the layers.
        heads: whether the tasks' heads are tied as well.

    Raises:
        ConfigError: an unknown form or reduction.
        UnsupportedError: mode "prox".

    Cost: for each unfolding m x n, with m the smaller side, O(m^2 n + m^3): much more than the
        trace norm over tasks if layers are wide. "all" has 2^(N-1) - 1 unfoldings for N axes.

    Differs: the weights of "all" are equal. Learned by the same objective, as in the second paper,
        they would go to the unfolding with the smallest norm.

    Reference: Yang, Hospedales, "Trace Norm Regularised Deep Multi-Task Learning", ICLR 2017
        (workshop); "all": Zhang, Zhang, Wang, "Deep Multi-Task Learning via Generalized Tensor
        Trace Norm", arXiv 2002.04799, 2020.
    """

    why_no_prox = "its unfoldings share all their entries"

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        form: Form = "tucker",
        reduction: Literal["sum", "mean"] = "sum",
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, mode=mode, scope=scope, include_bias=include_bias, heads=heads
        )
        if form not in FORMS:
            raise ConfigError(f"`form` must be one of {', '.join(FORMS)}; found {form!r}.")
        if reduction not in ("sum", "mean"):
            raise ConfigError(f"`reduction` must be 'sum' or 'mean'; found {reduction!r}.")
        self.form: Form = form
        self.reduction = reduction

    def norms(self) -> dict[str, dict[str, Tensor]]:
        """Returns `{parameter: {unfolding: trace norm}}`; "0,1|2" has axes 0 and 1 as rows."""
        found: dict[str, dict[str, Tensor]] = {}
        for name, layer in zip(self.names, self.groups, strict=True):
            tensor = torch.stack(list(layer), dim=-1)
            if tensor.dim() == 1:  # a single number of each task
                tensor = tensor[None]
            order = tensor.dim()
            chosen = row_axes(order, self.form)
            norms = nuclear_norms([unfold(tensor, rows) for rows in chosen])
            found[name] = dict(zip([written(order, rows) for rows in chosen], norms, strict=True))
        return found

    def cost(self) -> Tensor:
        """Returns the sum over layers of the sum or mean of their trace norms."""
        layers = [torch.stack(list(norms.values())) for norms in self.norms().values()]
        if self.reduction == "mean":
            return torch.stack([norms.mean() for norms in layers]).sum()
        return torch.cat(layers).sum()
