"""A head that predicts for every pixel."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ShapeError
from plait.core.features import Features, FeatureShape
from plait.networks.grids import resample


class DenseHead(nn.Module):
    """Predicts for every pixel of the input: `[B, outputs, H, W]`.

    A top-down pass over the levels: each is projected to `width` channels, the coarser sum is
    resized and added, and the finest sum goes through a 3x3 convolution, ReLU and a 1x1
    convolution; the result is resized to the input's grid. The pass is that of Lin, Dollar,
    Girshick, He, Hariharan, Belongie, "Feature Pyramid Networks for Object Detection", CVPR 2017.

    Args:
        shape: shapes of the features; levels that are no maps are left out. Maps may have their
            channels last.
        outputs: channels of the prediction.
        width: channels of the decoder.
    """

    def __init__(self, shape: FeatureShape, outputs: int, *, width: int = 32) -> None:
        super().__init__()
        grid = slice(1, None) if shape.channel_dim == 1 else slice(-1)
        grids = {level[grid]: index for index, level in enumerate(shape.levels) if len(level) == 3}
        if not grids:
            raise ShapeError(
                "a dense task needs features with a grid, [B, C, H, W], or [B, H, W, C] if "
                "`channel_dim` is -1; the last level is "
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
            projected = project(features.levels[level].movedim(features.channel_dim, 1))
            if total is not None:
                projected = projected + resample(total, projected.shape[-2:], by="bilinear")
            total = projected
        assert total is not None
        prediction: Tensor = self.predict(F.relu(self.smooth(total)))
        if features.grid is None:
            return prediction
        return resample(prediction, features.grid, by="bilinear")
