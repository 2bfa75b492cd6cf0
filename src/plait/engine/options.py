"""The options of `plait.backward`, and which of them a method can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from plait.core.errors import ConfigError
from plait.core.options import AtLeast, check_options

if TYPE_CHECKING:
    from plait.balancing.base import Balancer

Scale = Literal["sum", "paper"]
HeadWeights = Literal["auto", "unit", "task"]
At = Literal["parameters", "features"]
RouteChoice = Literal["auto", "rows", "layers", "labels"]
NonFinite = Literal["raise", "skip"]


def reads_one_gramian(balancer: Balancer) -> bool:
    """Returns whether a method reads one Gramian of one batch, at all shared parameters."""
    from plait.balancing.base import GramianBalancer  # here: options are read without torch

    return (
        isinstance(balancer, GramianBalancer)
        and balancer.batches == 1
        and balancer.at == "parameters"
        and balancer.groups == "whole"
    )


def reads_every_gradient(balancer: Balancer) -> bool:
    """Returns whether a method reads the gradients of all tasks at all shared parameters."""
    from plait.balancing.base import GramianBalancer, JacobianBalancer  # as above
    from plait.balancing.bases.in_turn import InTurnBalancer

    if isinstance(balancer, GramianBalancer):
        return balancer.at == "parameters"
    return isinstance(balancer, JacobianBalancer) and not isinstance(balancer, InTurnBalancer)


@dataclass(frozen=True)
class Options:
    """Arguments of `plait.Backward`, which says what they do."""

    scale: Scale = "sum"
    head_weights: HeadWeights = "auto"
    at: At = "parameters"
    route: RouteChoice = "auto"
    every: Annotated[int, AtLeast(1)] = 1
    chunk_size: Annotated[int, AtLeast(1)] = 1
    nonfinite: NonFinite = "raise"

    def __post_init__(self) -> None:
        check_options(self)

    def check(self, balancer: Balancer) -> None:
        """Raises `ConfigError` for a value that the method `balancer` cannot have."""
        from plait.balancing.base import (  # here: options are read without torch
            BilevelBalancer,
            GramianBalancer,
            JacobianBalancer,
            LossBalancer,
        )

        name = type(balancer).__name__
        rows = isinstance(balancer, JacobianBalancer)
        whole = reads_one_gramian(balancer)
        if self.head_weights == "task" and rows and not balancer.gives_weights:
            raise ConfigError(
                f"{name} gives no weights, so `head_weights` cannot be 'task'. Leave it at 'auto'."
            )
        if self.every > 1 and rows and not balancer.gives_weights:
            raise ConfigError(f"{name} gives no weights that `every` could re-use. Set it to 1.")
        if self.every > 1 and isinstance(balancer, LossBalancer | BilevelBalancer):
            raise ConfigError(
                f"`every` re-uses weights that take one backward pass per task; {name} forms none "
                "of these. Set it to 1."
            )
        if self.every > 1 and isinstance(balancer, GramianBalancer) and balancer.groups != "whole":
            raise ConfigError(
                f"{name} has weights for each parameter group, which `every` cannot re-use. Set it "
                "to 1, or use groups='whole'."
            )
        if self.at == "features" and not whole:
            raise ConfigError(
                f"{name} cannot take its gradients at the features; methods that read one Gramian "
                "of one batch can. Use at='parameters'."
            )
        if self.route == "layers" and not (whole and self.at == "parameters"):
            raise ConfigError(
                f"{name} cannot take the route 'layers'; methods that read one Gramian of one "
                "batch at the shared parameters can. Use route='auto'."
            )
        if self.route == "labels" and not (
            self.at == "parameters" and reads_every_gradient(balancer)
        ):
            raise ConfigError(
                f"{name} cannot take the route 'labels'; methods that read the gradients of all "
                "tasks at the shared parameters can. Use route='auto'."
            )
