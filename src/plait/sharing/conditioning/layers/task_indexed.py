"""Layers of a trunk that are indexed by the task: the shared layer, and a unit for each task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.func import functional_call

from plait.core.errors import UnsupportedError
from plait.core.keys import safe_key
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.units import Update


class TaskIndexed(nn.Module, ABC):
    """Stands in a trunk where a layer was.

    Plain attributes of that layer can be read through it, such as `eps` or `in_features`. Its
    parameters cannot: who computes with them directly would pass the tasks' units by.

    Args:
        base: the shared layer.
        units: `{task: what is its own}`.
        active: tells which task a pass is for.
    """

    open_names: ClassVar[frozenset[str]] = frozenset()  # tensors that the units leave as they are

    def __init__(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> None:
        super().__init__()
        self._active = active
        self.own = nn.ModuleDict({safe_key(task): unit for task, unit in units.items()})
        self.take(base)
        # nn.TransformerEncoderLayer computes with the weights of its layers in evaluation, unless
        # one of them has a hook
        self.register_forward_hook(_nothing)

    def take(self, base: nn.Module) -> None:
        """Keeps the shared layer."""
        self.base = base

    def plain(self) -> nn.Module:
        """Returns the layer that was there before."""
        return self.base

    def unit(self) -> nn.Module:
        """Returns the module of the active task."""
        return self.own[safe_key(self._active.task)]

    @abstractmethod
    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Runs the layer for the active task."""

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_modules", {}) or name.startswith("__"):
            return super().__getattr__(name)
        own = self.__dict__.get("_modules", {}).get("own")
        if not own:  # being built, copied or unpickled
            return super().__getattr__(name)
        base = self.plain()
        value = getattr(base, name)
        if isinstance(value, Tensor | nn.Module) and name not in self.open_names:
            raise UnsupportedError(
                f"{name!r} of a conditioned {type(base).__name__} was read from outside, and to "
                "compute with it would pass the tasks' own part by. Leave the layer out of `scope`."
            )
        return value


class UnitAfter(TaskIndexed):
    """Maps what the shared layer gives by the unit."""

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Runs the layer for the active task."""
        return self.unit()(self.base(*inputs, **options))


class UnitBeside(TaskIndexed):
    """Adds what the unit makes of the same input."""

    open_names = frozenset({"bias"})

    def forward(self, hidden: Tensor) -> Any:
        """Runs the layer for the active task."""
        return self.base(hidden) + self.unit()(hidden)


class UnitInstead(TaskIndexed):
    """Runs the unit, a layer of the same class; there is no shared one."""

    def take(self, base: nn.Module) -> None:
        """Keeps nothing: each unit is such a layer."""

    def plain(self) -> nn.Module:
        """Returns the first task's layer."""
        return next(iter(self.own.values()))

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Runs the active task's layer."""
        return self.unit()(*inputs, **options)


class UnitInside(TaskIndexed):
    """Runs the shared layer with the sum of its weights and the unit's.

    Args:
        base: the shared layer.
        units: `{task: an Update for each of the weights}`.
        active: tells which task a pass is for.
        weights: names of the weights.
    """

    open_names = frozenset({"bias", "in_proj_bias"})

    def __init__(
        self,
        base: nn.Module,
        units: Mapping[str, nn.Module],
        active: Active,
        weights: Sequence[str],
    ) -> None:
        super().__init__(base, units, active)
        self.weights = tuple(weights)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Runs the layer with the active task's weights."""
        changed: dict[str, Tensor] = {}
        for position, name in enumerate(self.weights):
            weight = self.base.get_parameter(name)
            changed[name] = weight + self.change(position, weight)
        return functional_call(self.base, changed, inputs, options)

    def change(self, position: int, weight: Tensor) -> Tensor:
        """Computes the addend of the weight at a position of `weights`."""
        return update_at(self.unit(), position).change(weight)


def update_at(unit: nn.Module, position: int) -> Update:
    """Returns one of the updates that a unit has, one for each weight of its layer."""
    update = list(unit.children())[position]
    assert isinstance(update, Update)
    return update


def _nothing(*_: Any) -> None:
    """Leaves the output as it is."""
