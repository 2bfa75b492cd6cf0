"""A convolutional trunk of residual blocks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.arguments import checked


class Every(nn.Module):
    """Every n-th row and column of maps.

    With a convolution 1x1 behind it, the same as one of stride n. On a CPU the gradient of the
    latter writes past its memory for maps of few channels that are channels last (oneDNN issue
    6035, in torch 2.13).

    Args:
        stride: n.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Returns the coarser maps."""
        return x[..., :: self.stride, :: self.stride]


class ResidualBlock(nn.Module):
    """Two convolutions 3x3 beside a shortcut, ``max(0, R(x) + F(x))``.

    F is convolution, batch norm, ReLU, convolution, batch norm; R is the identity, or where the
    shape changes a convolution 1x1 with batch norm.

    Attributes:
        body: F.
        shortcut: R; None for the identity.
    """

    def __init__(self, fan_in: int, fan_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(fan_in, fan_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(fan_out),
            nn.ReLU(),
            nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(fan_out),
        )
        self.shortcut: nn.Module | None = None
        if stride != 1 or fan_in != fan_out:
            self.shortcut = nn.Sequential(
                Every(stride), nn.Conv2d(fan_in, fan_out, 1, bias=False), nn.BatchNorm2d(fan_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's maps."""
        return F.relu(self.body(x) + (x if self.shortcut is None else self.shortcut(x)))


class ResidualEncoder(nn.Module):
    """A convolution and stages of residual blocks, each stage on half the grid.

    The trunk for methods that work on blocks: `sharing.AdaShare` skips them, `sharing.MTAN` attends
    over what is before and after the last one of a stage. Each stage has `blocks` blocks; the first
    stage begins with a convolution 3x3, batch norm and ReLU, and the first block of every stage has
    stride 2.

    Args:
        in_channels: channels of the image, 3 for colour.
        widths: channels of each stage.
        blocks: residual blocks of each stage, at least 1.

    Shapes:
        images `[B, in_channels, H, W]` to `[B, widths[-1], H / 2^n, W / 2^n]`, rounded up at each
        of the n stages.

    Example:
        >>> import torch
        >>> ResidualEncoder(widths=(4, 8))(torch.zeros(2, 3, 16, 16)).shape
        torch.Size([2, 8, 4, 4])

    Reference: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
    """

    channel_dim = 1

    @checked
    def __init__(
        self, *, in_channels: int = 3, widths: Sequence[int] = (64, 128, 256), blocks: int = 2
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.widths = tuple(widths)
        self.blocks = blocks
        stem = nn.Sequential(
            nn.Conv2d(in_channels, self.widths[0], 3, padding=1, bias=False),
            nn.BatchNorm2d(self.widths[0]),
            nn.ReLU(),
        )
        self.stages = nn.ModuleList()
        for fan_in, width in pairwise([self.widths[0], *self.widths]):
            own = [ResidualBlock(fan_in, width, stride=2)]
            own += [ResidualBlock(width, width, stride=1) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(*([stem] if not self.stages else []), *own))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new weights that keep the variance from block to block.

        Reference: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers: Surpassing Human-Level
        Performance on ImageNet Classification", ICCV 2015.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()

    def forward(self, images: Tensor) -> Tensor:
        """Returns the last stage's maps."""
        for stage in self.stages:
            images = stage(images)
        return images
