"""The bases of the regularizers: lambda R added to the objective, or applied as a proximal step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, NoReturn

import torch
from torch import Tensor, nn

from plait.core.arguments import Checked
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.features import Features
from plait.core.outputs import Term
from plait.core.watched import Watched
from plait.networks.joined import held
from plait.networks.matching import match_parameters

Mode = Literal["loss", "prox"]


class Regularizer(Checked, nn.Module, ABC):
    """Adds a term ``lambda R`` to the objective, beside the losses of the tasks.

    Args:
        strength: lambda, at least 0. With 0 the term is skipped: training is bit for bit that of
            independent networks.

    Attributes:
        nonnegative: whether R is never below 0.
        ties: whether the term couples one network per task, which `sharing.Separate` has; other
            terms take any model.
        reads_features: whether R is a function of the features of a batch; otherwise it is one of
            the parameters, and counts once in a step, however many micro-batches that has.
    """

    nonnegative: ClassVar[bool] = True
    ties: ClassVar[bool] = True
    reads_features: ClassVar[bool] = False

    def __init__(self, *, strength: float) -> None:
        super().__init__()
        if not 0 <= strength < math.inf:
            raise ConfigError(f"`strength` must be at least 0 and finite; found {strength}.")
        self.strength = strength

    @abstractmethod
    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Finds the parameters to regularise; the model calls it once, before the first step.

        Args:
            networks: `{task: network}`, at least one. If the tasks share their network, it is a
                single entry under a name that is no task's.
            heads: `{task: head}`; None leaves the heads out.
        """

    @abstractmethod
    def term(self, features: Mapping[str, Features]) -> Term | None:
        """Returns R and lambda R as scalars with a graph.

        None if nothing is to be added to the objective: strength 0, or mode "prox".

        Args:
            features: `{task: Features}` of a batch; empty if only parameters are read.
        """

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Runs a proximal step or updates an estimate, after each step of `optimizer`."""

    def anchor(self) -> None:
        """Takes the parameters as they are as a new starting point.

        The model calls it after it has loaded trained weights; most regularizers ignore it.
        """

    def watched(self) -> dict[str, Watched]:
        """Returns tables for the log by title, such as the correlations of the tasks.

        Empty for a regularizer that learns nothing.
        """
        return {}


class ParameterRegularizer(Regularizer):
    """Ties the parameters of the tasks' networks, or keeps those of one network near a point.

    Parameters are matched by their qualified name in the tasks' networks; the parameters of batch
    normalisation are never tied, and buffers are never regularised.

    Args:
        strength: lambda, at least 0. With 0 the term is skipped: training is bit for bit that of
            independent networks.
        mode: "loss" adds lambda R to the objective; "prox" applies the proximal operator of
            eta lambda R after each optimizer step, with eta the learning rate of the matched
            parameters. "prox" is stable for any lambda; "loss" is not (see each method).
        scope: a pattern of parameter names, such as ``"stages.0.*"``; all by default.
        include_bias: whether biases (and all other vectors) are tied.
        heads: whether the tasks' heads are tied as well, under the name ``head.*``; their shapes
            must then agree. With an encoder that has no parameters they are all that is tied: this
            is the classical linear setting.

    Attributes:
        why_no_prox: reason given where mode "prox" is refused; empty if there is none.
        tasks: names of the networks, in order; empty before `setup`.
        names: names of the matched parameters; empty before `setup`.

    Raises:
        ConfigError: an option outside its range.
        UnsupportedError: mode "prox" of a method that has no closed proximal step.
    """

    why_no_prox: ClassVar[str] = ""

    def __init__(
        self,
        *,
        strength: float,
        mode: Mode = "loss",
        scope: str = "*",
        include_bias: bool = True,
        heads: bool = False,
    ) -> None:
        super().__init__(strength=strength)
        if mode not in ("loss", "prox"):
            raise ConfigError(f"`mode` must be 'loss' or 'prox'; found {mode!r}.")
        if mode == "prox" and type(self).prox is ParameterRegularizer.prox:
            self._refuse_prox()
        self.mode = mode
        self.scope = scope
        self.include_bias = include_bias
        self.heads = heads
        self.tasks: tuple[str, ...] = ()
        self.names: list[str] = []
        self._places: list[list[tuple[nn.Module, str]]] = []

    def setup(
        self, networks: Mapping[str, nn.Module], heads: Mapping[str, nn.Module] | None = None
    ) -> None:
        """Matches the parameters of the networks.

        Raises:
            ConfigError: `scope` matches nothing.
            ShapeError: parameters of one name have different shapes.
        """
        matched = match_parameters(
            networks,
            heads if self.heads else None,
            scope=self.scope,
            include_bias=self.include_bias,
            method=type(self).__name__,
        )
        self.tasks = tuple(networks)
        owners = [*networks.values(), *(heads or {}).values()]
        place_of = {
            id(parameter): (module, name)
            for owner in owners
            for module in owner.modules()
            for name, parameter in module.named_parameters(recurse=False)
        }
        self.names = list(matched)
        self._places = [[place_of[id(p)] for p in layer] for layer in matched.values()]

    @property
    def groups(self) -> list[list[nn.Parameter]]:
        """The parameters of name i and task t as `groups[i][t]`; empty before `setup`.

        They are looked up in the networks anew, so that a network whose parameters were replaced,
        by `load_state_dict(assign=True)` or `functional_call`, stays tied.
        """
        return [[getattr(module, name) for module, name in layer] for layer in self._places]

    @abstractmethod
    def cost(self) -> Tensor:
        """Returns R as a scalar with a graph, not multiplied by the strength."""

    def term(self, features: Mapping[str, Features]) -> Term | None:
        """Returns R and lambda R; None in mode "prox", and if the strength is 0."""
        if self.mode == "prox" or self.strength == 0:
            return None
        with torch.autocast(self.groups[0][0].device.type, enabled=False):
            cost = self.cost()
        return Term(cost, cost * self.strength)

    def prox(self, step: float) -> None:
        """Applies the proximal operator of ``step R`` in place.

        Args:
            step: learning rate times strength.
        """
        self._refuse_prox()

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Runs the proximal step with the matched parameters' learning rate, in mode "prox"."""
        if self.mode == "prox" and self.strength > 0:
            self.prox(self._learning_rate(optimizer) * self.strength)

    def _refuse_prox(self) -> NoReturn:
        why = f": {self.why_no_prox}" if self.why_no_prox else ""
        raise UnsupportedError(
            f"{type(self).__name__} has no closed proximal step{why}; use mode='loss'."
        )

    def _learning_rate(self, optimizer: torch.optim.Optimizer) -> float:
        rate_of = {
            id(parameter): float(group["lr"])
            for group in optimizer.param_groups
            for parameter in group["params"]
        }
        rates = {rate_of.get(id(held(each))) for group in self.groups for each in group}
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
