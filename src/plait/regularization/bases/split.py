"""Parameters as the sum of a common and an own part, each with a norm of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.watched import Watched
from plait.regularization.algebra.joined import joined, write
from plait.regularization.base import ParameterRegularizer


class Split(ParameterRegularizer):
    """W = P + Q with the penalty ``a(P) + ratio b(Q)``: proximal gradient steps in P and Q.

    The gradient of the losses is the same in P and in Q. Each takes half of what the optimizer
    moved W by, and then its own proximal step of half the length: a step of size eta / 2 in both
    that moves W as the optimizer would. The networks hold W; P and Q are buffers.

    Args:
        ratio: of the penalty of the own part Q to that of the common part P, at least 0.

    The other arguments are those of `ParameterRegularizer`; the mode is "prox", as the split has no
    gradient.
    """

    shared: Tensor  # P, [T, P]
    own: Tensor  # Q, [T, P]

    def __init__(
        self,
        *,
        strength: float,
        ratio: float,
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(
            strength=strength, mode="prox", scope=scope, include_bias=include_bias, heads=heads
        )
        if not ratio >= 0:
            raise ConfigError(f"`ratio` must be at least 0; found {ratio}.")
        self.ratio = ratio

    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Matches the parameters; at first all is common."""
        super().setup(networks, heads)
        rows = joined(self.groups).detach().clone()
        self.register_buffer("shared", rows)
        self.register_buffer("own", torch.zeros_like(rows))

    @torch.no_grad()
    def anchor(self) -> None:
        """Starts the split anew from the parameters as they are: all is common."""
        self.shared.copy_(joined(self.groups))
        self.own.zero_()

    @abstractmethod
    def shared_norm(self, rows: Tensor) -> Tensor:
        """Returns a(P), a scalar, for `rows` `[T, P]`."""

    @abstractmethod
    def own_norm(self, rows: Tensor) -> Tensor:
        """Returns b(Q), a scalar, for `rows` `[T, P]`."""

    @abstractmethod
    def shrink_shared(self, rows: Tensor, step: float) -> Tensor:
        """Returns the proximal point of ``step a`` at `rows`, `[T, P]`."""

    @abstractmethod
    def shrink_own(self, rows: Tensor, step: float) -> Tensor:
        """Returns the proximal point of ``step b`` at `rows`, `[T, P]`."""

    @torch.no_grad()
    def cost(self) -> Tensor:
        """Returns R at the present P and Q, a scalar without a graph."""
        return self.shared_norm(self.shared) + self.ratio * self.own_norm(self.own)

    @torch.no_grad()
    def prox(self, step: float) -> None:
        """Moves P and Q by half of the optimizer's step each, then shrinks each by its norm."""
        moved = (joined(self.groups) - self.shared - self.own) / 2
        self.shared.copy_(self.shrink_shared(self.shared + moved, step / 2))
        self.own.copy_(self.shrink_own(self.own + moved, self.ratio * step / 2))
        write(self.groups, self.shared + self.own)

    def layers(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Cuts rows `[T, P]` into layers, `[T, numel]` each."""
        return torch.split(rows, [layer[0].numel() for layer in self.groups], dim=1)

    def watched(self) -> dict[str, Watched]:
        """Returns the share of each task's own part, ``|Q_t| / (|P_t| + |Q_t|)``, in [0, 1]."""
        common, own = (torch.linalg.vector_norm(part, dim=1) for part in (self.shared, self.own))
        parts = own / (common + own).clamp(min=torch.finfo(own.dtype).tiny)
        rows = dict(zip(self.tasks, parts, strict=True))
        return {f"{type(self).__name__}: own part": Watched(rows)}
