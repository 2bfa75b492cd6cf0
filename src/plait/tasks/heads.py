"""Heads: from the features that a task reads to its prediction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError, ShapeError
from plait.core.features import Features, FeatureShape
from plait.networks.grids import Pooling, pool


def mlp(fan_in: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Returns linear layers `fan_in -> hidden... -> outputs` with ReLU between them."""
    sizes = [fan_in, *hidden]
    layers: list[nn.Module] = []
    for size_in, size_out in pairwise(sizes):
        layers += [nn.Linear(size_in, size_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))


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
        is_map = shape.channel_dim == 1 and len(shape.levels[-1]) == 3
        if cells > 1 and not is_map:
            raise ShapeError(
                f"a pooling grid of {cells} x {cells} cells needs maps [B, C, H, W]; the features "
                f"are [B, {', '.join(map(str, shape.levels[-1]))}]. Leave `cells` at 1."
            )
        self.cells = cells
        self.pooling: Pooling = pooling
        self.layers = mlp(shape.channels() * (cells**2 if is_map else 1), hidden, outputs)

    def forward(self, features: Features) -> Tensor:
        """Returns predictions `[B, outputs]`."""
        if self.cells > 1:
            onto = F.adaptive_avg_pool2d if self.pooling == "mean" else F.adaptive_max_pool2d
            pooled = onto(features.levels[-1], self.cells).flatten(1)
        else:
            pooled = pool(features, self.pooling)
        out: Tensor = self.layers(pooled)
        return out


class DenseHead(nn.Module):
    """Predicts for every pixel of the input: `[B, outputs, H, W]`.

    A top-down pass over the levels: each is projected to `width` channels, the coarser sum is
    resized and added, and the finest sum goes through a 3x3 convolution, ReLU and a 1x1
    convolution; the result is resized to the input's grid. The pass is that of Lin, Dollar,
    Girshick, He, Hariharan, Belongie, "Feature Pyramid Networks for Object Detection", CVPR 2017.

    Args:
        shape: shapes of the features; levels that are no maps are left out.
        outputs: channels of the prediction.
        width: channels of the decoder.
    """

    def __init__(self, shape: FeatureShape, outputs: int, *, width: int = 32) -> None:
        super().__init__()
        grids = {level[1:]: index for index, level in enumerate(shape.levels) if len(level) == 3}
        if shape.channel_dim != 1 or not grids:
            raise ShapeError(
                "a dense task needs features with a grid, [B, C, H, W]; the last level is "
                f"[B, {', '.join(map(str, shape.levels[-1]))}]. Use an encoder that keeps the grid."
            )
        self.used = sorted(grids.values())  # the last level of each grid
        self.lateral = nn.ModuleList(
            nn.Conv2d(shape.channels(level), width, 1) for level in self.used
        )
        self.smooth = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.predict = nn.Conv2d(width, outputs, kernel_size=1)

    def forward(self, features: Features) -> Tensor:
        """Returns predictions `[B, outputs, H, W]` on the grid of the input."""
        total: Tensor | None = None
        for level, project in zip(reversed(self.used), reversed(self.lateral), strict=True):
            projected = project(features.levels[level])
            total = projected if total is None else projected + _resize(total, projected.shape[-2:])
        assert total is not None
        prediction: Tensor = self.predict(F.relu(self.smooth(total)))
        return prediction if features.grid is None else _resize(prediction, features.grid)


def _resize(maps: Tensor, grid: Sequence[int]) -> Tensor:
    if tuple(maps.shape[-2:]) == tuple(grid):
        return maps
    return F.interpolate(maps, size=tuple(grid), mode="bilinear", align_corners=False)


class TokenHead(nn.Module):
    """Predicts for every token: `[B, N, outputs]`.

    Args:
        shape: shapes of the features; the last level is `[B, N, C]`, or `[B, C, N]` if
            `channel_dim` is 1.
        outputs: length of each token's prediction.
        hidden: widths of hidden layers.
    """

    def __init__(self, shape: FeatureShape, outputs: int, *, hidden: Sequence[int] = ()) -> None:
        super().__init__()
        if len(shape.levels[-1]) != 2:
            raise ShapeError(
                "a tagging task needs features for each token, [B, N, C]; the last level is "
                f"[B, {', '.join(map(str, shape.levels[-1]))}]. "
                "Use an encoder that keeps the tokens."
            )
        self.layers = mlp(shape.channels(), hidden, outputs)

    def forward(self, features: Features) -> Tensor:
        """Returns predictions `[B, N, outputs]`."""
        tokens = features.levels[-1]
        out: Tensor = self.layers(tokens if features.channel_dim == -1 else tokens.transpose(1, 2))
        return out
