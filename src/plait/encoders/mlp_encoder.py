"""A plain network for vectors, such as the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from plait.core.arguments import checked


class MLPEncoder(nn.Module):
    """Blocks of linear layer and ReLU; without a block, the inputs themselves.

        z_b = max(0, W_b z_(b-1) + c_b),    z_0 = x

    Without a block and with heads without hidden layers, each task is a linear model: the classical
    setting of regularised multi-task learning.

    Args:
        in_features: length of an input.
        widths: units of each block; none by default.

    Shapes:
        inputs `[B, in_features]` to `[B, widths[-1]]`; each block is a stage.

    Example:
        >>> import torch
        >>> MLPEncoder(in_features=5, widths=(8, 3))(torch.zeros(2, 5)).shape
        torch.Size([2, 3])
    """

    channel_dim = 1

    @checked
    def __init__(self, *, in_features: int, widths: Sequence[int] = ()) -> None:
        super().__init__()
        self.in_features = in_features
        self.widths = tuple(widths)
        blocks = [
            nn.Sequential(nn.Linear(fan_in, fan_out), nn.ReLU())
            for fan_in, fan_out in pairwise([in_features, *self.widths])
        ]
        self.stages = nn.ModuleList(blocks or [nn.Identity()])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new weights that keep the variance from block to block.

        Reference: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers: Surpassing Human-Level
        Performance on ImageNet Classification", ICCV 2015.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns the last block's units."""
        for stage in self.stages:
            inputs = stage(inputs)
        return inputs
