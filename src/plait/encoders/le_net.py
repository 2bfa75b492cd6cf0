"""LeNet: two convolutions and a linear layer, for small images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from torch import Tensor, nn

from plait.core.arguments import checked
from plait.core.errors import ConfigError
from plait.core.options import AtLeast, Count


class LeNet(nn.Module):
    """Blocks of convolution 5x5, max pooling 2x2 and ReLU, then a linear layer and ReLU.

    With the defaults it is the shared trunk of Multi-MNIST: 10 and 20 channels, 50 features. Each
    block is a stage, and so is the linear layer. Convolutions do not pad, so that a side of n
    becomes (n - 4) // 2.

    Args:
        in_channels: channels of the image, 1 for grey.
        size: side of the images, in pixels; 28 by default.
        widths: channels of each block.
        features: units of the linear layer.

    Shapes:
        images `[B, in_channels, size, size]` to `[B, features]`.

    Raises:
        ConfigError: the images are too small for so many blocks.

    Example:
        >>> import torch
        >>> LeNet()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 50])

    Differs: the multi-task authors' code drops half of the last block's channels while training;
        there is no dropout here.

    Reference: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
        Recognition", Proceedings of the IEEE 1998; as a shared trunk: Sener, Koltun, "Multi-Task
        Learning as Multi-Objective Optimization", NeurIPS 2018.
    """

    channel_dim = 1

    @checked
    def __init__(
        self,
        *,
        in_channels: Count = 1,
        size: Annotated[int, AtLeast(6)] = 28,
        widths: Sequence[Count] = (10, 20),
        features: Count = 50,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size = size
        self.widths = tuple(widths)
        self.features = features
        side = size
        for _ in self.widths:
            side = (side - 4) // 2
        if side < 1:
            raise ConfigError(
                f"images of {size} x {size} are too small for {len(self.widths)} blocks of LeNet, "
                "each of which leaves less than half. Leave some of `widths` out."
            )
        channels = [in_channels, *self.widths]
        blocks = [
            nn.Sequential(nn.Conv2d(fan_in, fan_out, kernel_size=5), nn.MaxPool2d(2), nn.ReLU())
            for fan_in, fan_out in pairwise(channels)
        ]
        last = nn.Sequential(nn.Flatten(), nn.Linear(channels[-1] * side**2, features), nn.ReLU())
        self.stages = nn.ModuleList([*blocks, last])

    def forward(self, images: Tensor) -> Tensor:
        """Returns the features of the last layer."""
        for stage in self.stages:
            images = stage(images)
        return images
