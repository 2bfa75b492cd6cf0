"""Low-rank adaptation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import ClassVar

from torch import nn

from plait.core.arguments import checked_class
from plait.core.errors import ConfigError
from plait.sharing.conditioning.base import Conditioner
from plait.sharing.conditioning.layers.active import Active
from plait.sharing.conditioning.layers.channels import MAPS, LayerTypes
from plait.sharing.conditioning.layers.task_indexed import TaskIndexed, UnitBeside, UnitInside
from plait.sharing.conditioning.layers.units import Update


@checked_class
@dataclass(frozen=True, kw_only=True)
class LoRA(Conditioner):
    """Adds an update of low rank to the weights of linear, convolutional and attention layers.

        g_t(x) = g(x; W + (alpha / rank) B_t A_t)

    with A_t `[rank, columns of W]` drawn and B_t `[rows of W, rank]` of 0. Of
    `nn.MultiheadAttention` all projections get one, the packed ones included. A convolution whose
    weight is computed of other parameters, as under weight norm, gets none.

    Args:
        rank: at least 1; 4 by default.
        alpha: the update is scaled by alpha / rank; by default `rank`, for a scale of 1.

    Raises:
        ConfigError: a rank below 1.

    Differs: the authors draw A from a normal distribution; here it is uniform with bound
        1/sqrt(fan in).

    Cost: rank x (rows + columns of W) parameters for each task and layer.

    Reference: Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen, "LoRA: Low-Rank Adaptation of
        Large Language Models", ICLR 2022.
    """

    layer_types: ClassVar[tuple[LayerTypes, ...]] = ((*MAPS, nn.MultiheadAttention),)

    rank: int = 4
    alpha: float | None = None

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ConfigError(f"`rank` must be at least 1; found {self.rank}.")

    @property
    def scale(self) -> float:
        """The factor of the update."""
        return 1.0 if self.alpha is None else self.alpha / self.rank

    def fits(self, layer: nn.Module, group: LayerTypes) -> bool:
        """Returns whether the layer is one of a group, and its weights can be replaced.

        Those of a convolution under weight norm are computed of others.
        """
        known = dict(layer.named_parameters())
        free = isinstance(layer, nn.Linear) or all(name in known for name in matrices_of(layer))
        return free and super().fits(layer, group)

    def unit(self, base: nn.Module) -> nn.Module:
        """Makes the updates of the layer's weights, 0 so far."""
        if isinstance(base, nn.Linear):
            return self._update(base, "weight")
        return nn.ModuleList([self._update(base, name) for name in matrices_of(base)])

    def wrap(self, base: nn.Module, units: Mapping[str, nn.Module], active: Active) -> TaskIndexed:
        """Returns the layer with the updates beside it, or in its weights."""
        if isinstance(base, nn.Linear):
            return UnitBeside(base, units, active)
        return UnitInside(base, units, active, matrices_of(base))

    def _update(self, base: nn.Module, name: str) -> Update:
        weight = attrgetter(name)(base).flatten(1)  # weight norm makes it of parameters
        # queries, keys and values lie one above the other
        blocks = 3 if name.endswith("in_proj_weight") else 1
        return Update(
            weight.shape[0] // blocks, weight.shape[1], self.rank, scale=self.scale, blocks=blocks
        )


def matrices_of(base: nn.Module) -> list[str]:
    """Returns the names of the matrices of a layer."""
    if not isinstance(base, nn.MultiheadAttention):
        return ["weight"]
    names = ["in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"]
    held = dict(base.named_parameters())
    return [name for name in names if name in held]
