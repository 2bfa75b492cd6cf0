"""The base of the regularizers: lambda R added to the objective, or applied as a proximal step."""

from __future__ import annotations

import fnmatch
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from plait.core.errors import ConfigError, ShapeError, UnsupportedError

Mode = Literal["loss", "prox"]


class Regularizer(nn.Module, ABC):
    """Ties the parameters of the tasks' networks: the term ``lambda R`` of the objective.

    Parameters are matched by their qualified name in the tasks' networks; heads and the parameters
    of batch normalisation are never tied, and buffers are never regularised.

    Args:
        strength: lambda, at least 0. With 0 the term is skipped: training is bit for bit that of
            independent networks.
        mode: "loss" adds lambda R to the objective; "prox" applies the proximal operator of
            eta lambda R after each optimizer step, with eta the learning rate of the matched
            parameters. "prox" is stable for any lambda; "loss" is not (see each method).
        scope: a pattern of parameter names, such as ``"stages.0.*"``; all by default.
        include_bias: whether biases (and all other vectors) are tied.
    """

    def __init__(
        self, *, strength: float, mode: Mode = "loss", scope: str = "*", include_bias: bool = True
    ) -> None:
        super().__init__()
        if not strength >= 0:
            raise ConfigError(f"`strength` must be at least 0; found {strength}.")
        if mode not in ("loss", "prox"):
            raise ConfigError(f"`mode` must be 'loss' or 'prox'; found {mode!r}.")
        self.strength = strength
        self.mode = mode
        self.scope = scope
        self.include_bias = include_bias
        self.groups: list[list[nn.Parameter]] = []

    def setup(self, networks: Mapping[str, nn.Module]) -> None:
        """Matches the parameters of the tasks' networks.

        Args:
            networks: `{task: network}`, at least one.

        Raises:
            ConfigError: `scope` matches nothing.
            ShapeError: parameters of one name have different shapes.
        """
        named = {task: _tied_parameters(network) for task, network in networks.items()}
        first = next(iter(named.values()))
        matched = [name for name in first if fnmatch.fnmatchcase(name, self.scope)]
        if not self.include_bias:
            matched = [name for name in matched if first[name].dim() > 1]
        if not matched:
            raise ConfigError(
                f"`scope` {self.scope!r} of {type(self).__name__} matches no parameter of the "
                f"tasks' networks; they have: {', '.join(first) or 'none'}."
            )
        self.groups = [_same_shape(name, named) for name in matched]

    @abstractmethod
    def cost(self) -> Tensor:
        """Returns R, a scalar with a graph, before the strength."""

    def prox(self, step: float) -> None:
        """Applies the proximal operator of ``step R`` in place.

        Args:
            step: learning rate x strength.
        """
        raise UnsupportedError(
            f"{type(self).__name__} has no closed proximal step; use mode='loss'."
        )

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Runs the proximal step, in that mode, with the matched parameters' learning rate."""
        if self.mode == "prox" and self.strength > 0:
            self.prox(self._learning_rate(optimizer) * self.strength)

    def _learning_rate(self, optimizer: torch.optim.Optimizer) -> float:
        rate_of = {
            id(parameter): float(group["lr"])
            for group in optimizer.param_groups
            for parameter in group["params"]
        }
        rates = {rate_of.get(id(parameter)) for group in self.groups for parameter in group}
        if None in rates:
            raise ConfigError(
                f"the optimizer does not have all parameters that {type(self).__name__} ties, and "
                "mode='prox' moves them all. Narrow `scope` to the layers that learn."
            )
        if len(rates) > 1:
            raise ConfigError(
                f"the parameters tied by {type(self).__name__} must have one learning rate; found "
                f"{sorted(rate for rate in rates if rate is not None)}."
            )
        return next(rate for rate in rates if rate is not None)


def _tied_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    normalised = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, _NormBase)
        for parameter in module.parameters(recurse=False)
    }
    return {name: p for name, p in network.named_parameters() if id(p) not in normalised}


def _same_shape(name: str, named: Mapping[str, Mapping[str, nn.Parameter]]) -> list[nn.Parameter]:
    group: Sequence[nn.Parameter | None] = [parameters.get(name) for parameters in named.values()]
    found = [p for p in group if p is not None]
    if len(found) < len(group) or len({p.shape for p in found}) > 1:
        shapes = {task: list(p[name].shape) if name in p else "absent" for task, p in named.items()}
        raise ShapeError(
            f"parameter {name!r} has to have one shape in all tasks' networks; found {shapes}. "
            "Narrow `scope` to the layers that they have in common."
        )
    return found
