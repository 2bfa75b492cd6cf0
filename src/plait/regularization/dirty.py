"""Parameters that are large in all tasks or in few."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softshrink

from plait.regularization.algebra.l1inf import l1inf_norm, l1inf_prox
from plait.regularization.bases.split import Split


class Dirty(Split):
    """Splits each network into parameters used by all tasks and ones of its own (dirty model).

        R = min over P + Q = W of  sum_j max_t |P_tj| + ratio sum_tj |Q_tj|

    with W, `[T, P]`, the matched parameters of the tasks as rows. What is large in all tasks is
    cheap in P, what is large in few of them is cheap in Q; both become exactly 0 in most places.

    Args:
        strength: lambda, at least 0. Applied by proximal steps after each optimizer step.
        ratio: of the penalty of Q to that of P; 0.6 by default (ours). Up to 1 / T all is in Q,
            from 1 on all is in P.
        scope: a pattern of parameter names; all by default.
        include_bias: whether biases are among the parameters.
        heads: whether the tasks' heads are among them.

    Raises:
        ConfigError: an option outside its range.

    Cost: O(T log T P) arithmetic in each step, and the memory of two more copies of the networks.

    Differs: the paper alternates over P and Q to the end; here each optimizer step is one proximal
        step in both. Rows are single parameters over the tasks.

    Reference: Jalali, Ravikumar, Sanghavi, Ruan, "A Dirty Model for Multi-task Learning", NIPS
        2010.
    """

    def __init__(
        self,
        *,
        strength: float,
        ratio: float = 0.6,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, ratio=ratio, scope=scope, include_bias=include_bias, heads=heads
        )

    def shared_norm(self, rows: Tensor) -> Tensor:
        """Returns the sum of the largest magnitudes."""
        return l1inf_norm(rows)

    def own_norm(self, rows: Tensor) -> Tensor:
        """Returns the sum of all magnitudes."""
        return rows.abs().sum()

    def shrink_shared(self, rows: Tensor, step: float) -> Tensor:
        """Cuts the largest magnitudes over the tasks."""
        return l1inf_prox(rows, step)

    def shrink_own(self, rows: Tensor, step: float) -> Tensor:
        """Shortens every magnitude."""
        return softshrink(rows, step)
