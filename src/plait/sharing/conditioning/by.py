"""The ways to condition a layer on the task."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import chain

from torch import nn

from plait.core.errors import ConfigError
from plait.core.seeding import seeded
from plait.sharing.conditioning.active import Active
from plait.sharing.conditioning.layers import After, Beside, Inside, Instead, TaskIndexed
from plait.sharing.conditioning.units import Affine, Mask, Residual, Tap, Update

Kinds = tuple[type[nn.Module], ...]
BATCH_NORMS: Kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
INSTANCE_NORMS: Kinds = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
STATISTICS: Kinds = (*BATCH_NORMS, *INSTANCE_NORMS)  # layers that may keep running statistics
NORMS: Kinds = (*STATISTICS, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
CONVOLUTIONS: Kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
MAPS: Kinds = (nn.Linear, *CONVOLUTIONS)


class Way(ABC):
    """The base of the ways to condition a layer on the task.

    Attributes:
        kinds: groups of layers that it can condition; the first group of which a trunk has any.
    """

    kinds: tuple[Kinds, ...]

    def choose(self, layers: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
        """Chooses the layers to condition, `{name: layer}`; empty if none fits."""
        for group in self.kinds:
            chosen = {n: each for n, each in layers.items() if self.fits(each, group)}
            if chosen:
                return chosen
        return {}

    def fits(self, layer: nn.Module, group: Kinds) -> bool:
        """Returns whether the layer is one of a group."""
        return isinstance(layer, group)

    @abstractmethod
    def unit(self, base: nn.Module) -> nn.Module:
        """Makes the module that one task adds to a layer; draws from the global generator."""

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer that takes the place of `base`."""
        return After(base, units, active)

    def condition(
        self, name: str, base: nn.Module, tasks: Sequence[str], seed: int, active: Active
    ) -> TaskIndexed:
        """Returns a conditioned layer; a unit depends on (seed, names of its task and layer)."""
        units: dict[str, nn.Module] = {}
        for task in tasks:
            with seeded(seed, "conditioned", task, name):
                unit = self.unit(base)
            for like in chain(base.parameters(), base.buffers()):
                if like.is_floating_point():
                    unit.to(like)
                    break
            units[task] = unit
        return self.wrap(base, units, active)


class Film(Way):
    """A scale and a shift for each channel."""

    kinds = (NORMS, MAPS)

    def unit(self, base: nn.Module) -> nn.Module:
        """Returns scales and shifts."""
        return Affine(*channels_of(base))

    def fits(self, layer: nn.Module, group: Kinds) -> bool:
        """Leaves out layers whose channels may be elsewhere."""
        return isinstance(layer, group) and keeps_its_axes(layer)


class Norm(Way):
    """A normalisation layer for each task, running statistics included."""

    kinds = (NORMS,)

    def unit(self, base: nn.Module) -> nn.Module:
        """Returns a copy of the layer."""
        return copy.deepcopy(base)

    def fits(self, layer: nn.Module, group: Kinds) -> bool:
        """Leaves out layers that have nothing to copy."""
        state = any(True for _ in chain(layer.parameters(), layer.buffers()))
        return isinstance(layer, group) and state

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer that takes the place of `base`."""
        return Instead(base, units, active)


class Adapter(Way):
    """A residual adapter for each linear and convolutional layer."""

    kinds = (MAPS,)

    def __init__(self, placement: str, bottleneck: int | None) -> None:
        if placement not in ("series", "parallel"):
            raise ConfigError(f"`placement` must be 'series' or 'parallel'; found {placement!r}.")
        if bottleneck is not None and bottleneck < 1:
            raise ConfigError(f"`bottleneck` must be at least 1, or None; found {bottleneck}.")
        self.parallel = placement == "parallel"
        self.bottleneck = bottleneck

    def unit(self, base: nn.Module) -> nn.Module:
        """Returns an adapter that adds nothing yet."""
        if not self.parallel:
            (channels,), trailing = channels_of(base)
            return Residual(channels, trailing, self.bottleneck)
        rows, columns = base.get_parameter("weight").shape[:2]
        if isinstance(base, nn.Linear):
            return Update(rows, columns, self.bottleneck)
        return nn.ModuleList([Tap(rows, columns, self.bottleneck)])

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer that takes the place of `base`."""
        if not self.parallel:
            return After(base, units, active)
        if isinstance(base, nn.Linear):
            return Beside(base, units, active)
        return Inside(base, units, active, ["weight"])


class LoRA(Way):
    """An update of low rank for the weights of linear, convolutional and attention layers."""

    kinds = ((*MAPS, nn.MultiheadAttention),)

    def __init__(self, rank: int, alpha: float | None) -> None:
        if rank < 1:
            raise ConfigError(f"`rank` must be at least 1; found {rank}.")
        self.rank = rank
        self.scale = 1.0 if alpha is None else alpha / rank

    def unit(self, base: nn.Module) -> nn.Module:
        """Returns the updates of the layer's weights, 0 so far."""
        if isinstance(base, nn.Linear):
            return self._update(base, "weight")
        return nn.ModuleList([self._update(base, name) for name in _weights(base)])

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer that takes the place of `base`."""
        if isinstance(base, nn.Linear):
            return Beside(base, units, active)
        return Inside(base, units, active, _weights(base))

    def _update(self, base: nn.Module, name: str) -> Update:
        weight = base.get_parameter(name).flatten(1)
        # queries, keys and values lie one above the other
        blocks = 3 if name.endswith("in_proj_weight") else 1
        return Update(
            weight.shape[0] // blocks, weight.shape[1], self.rank, scale=self.scale, blocks=blocks
        )


class Masks(Way):
    """A fixed random choice of channels."""

    kinds = (NORMS, MAPS)

    def __init__(self, keep: float) -> None:
        if not 0 < keep <= 1:
            raise ConfigError(f"`keep` must be in (0, 1]; found {keep}.")
        self.keep = keep

    def unit(self, base: nn.Module) -> nn.Module:
        """Returns a mask."""
        shape, trailing = channels_of(base)
        return Mask(shape[-1], trailing, self.keep)

    def fits(self, layer: nn.Module, group: Kinds) -> bool:
        """Leaves out layers whose channels may be elsewhere."""
        return isinstance(layer, group) and keeps_its_axes(layer)


def channels_of(layer: nn.Module) -> tuple[tuple[int, ...], bool]:
    """Returns the shape of a layer's channels, and whether they are the last axes (or axis 1)."""
    if isinstance(layer, nn.LayerNorm | nn.RMSNorm):
        return tuple(layer.normalized_shape), True
    if isinstance(layer, nn.Linear):
        return (layer.out_features,), True
    names = ("num_features", "num_channels", "out_channels")
    size = next(vars(layer)[name] for name in names if name in vars(layer))
    return (int(size),), False


def keeps_its_axes(layer: nn.Module) -> bool:
    """Returns whether the channels are where `channels_of` says.

    A layer normalisation with a forward of its own may move them first, as some do for images.
    """
    own = (nn.LayerNorm.forward, nn.RMSNorm.forward)
    return not isinstance(layer, nn.LayerNorm | nn.RMSNorm) or type(layer).forward in own


def _weights(base: nn.Module) -> list[str]:
    """Returns the names of the matrices of a layer."""
    if not isinstance(base, nn.MultiheadAttention):
        return ["weight"]
    names = ["in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"]
    held = dict(base.named_parameters())
    return [name for name in names if name in held]
