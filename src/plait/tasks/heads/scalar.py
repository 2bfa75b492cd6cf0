"""A head that predicts one vector for each example."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.networks.grids import Pooling, pool
from plait.tasks.heads.mlp import mlp


class ScalarHead(nn.Module):
    """Pools the last level and maps it to a vector: `[B, outputs]`.

    Maps `[B, C, H, W]` are pooled onto a grid of ``cells`` x ``cells``; tokens `[B, N, C]` are
    pooled over the real positions of the mask; vectors `[B, C]` are taken as they are.

    Args:
        shape: shapes of the features.
        outputs: length of the prediction.
        hidden: widths of hidden layers; none by default (a linear head).
        cells: side of the pooling grid; 1 is global pooling, more keeps where things are.
        pooling: "mean", or "max", which finds one object among clutter faster.

    Raises:
        ConfigError: an unknown pooling.
        ShapeError: a grid of cells for features that are no maps.
    """

    def __init__(
        self,
        shape: FeatureShape,
        outputs: int,
        *,
        hidden: Sequence[int] = (),
        cells: int = 1,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__()
        if pooling not in ("mean", "max"):
            raise ConfigError(f"`pooling` must be 'mean' or 'max'; found {pooling!r}.")
        is_map = len(shape.levels[-1]) == 3
        if cells > 1 and not is_map:
            raise ShapeError(
                f"a pooling grid of {cells} x {cells} cells needs maps [B, C, H, W]; the features "
                f"are [B, {', '.join(map(str, shape.levels[-1]))}]. Leave `cells` at 1."
            )
        self.cells = cells
        self.pooling: Pooling = pooling
        self.layers = mlp(shape.channels() * cells**2, hidden, outputs)

    def forward(self, features: Features) -> Tensor:
        """Returns predictions `[B, outputs]`."""
        out: Tensor = self.layers(self.pooled(features))
        return out

    def pooled(self, features: Features) -> Tensor:
        """Returns the vectors `[B, C]` that the layers read; `[B, C cells^2]` of a grid."""
        if self.cells == 1:
            return pool(features, self.pooling)
        onto = F.adaptive_avg_pool2d if self.pooling == "mean" else F.adaptive_max_pool2d
        maps = features.levels[-1].movedim(features.channel_dim, 1)
        return onto(maps, self.cells).flatten(1)
