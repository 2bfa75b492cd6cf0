"""Pieces of attention over stages: layers for maps, vectors and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ShapeError

CONVOLUTIONS: list[Any] = [nn.Conv1d, nn.Conv2d, nn.Conv3d]


@dataclass(frozen=True)
class Layers:
    """Makes convolutions or linear layers, to fit the values of a stage.

    Attributes:
        dims: axes of the grid that a convolution runs over; 0 for vectors and tokens, which get
            linear layers.
    """

    dims: int

    @classmethod
    def of(cls, shape: tuple[int, ...], channel_dim: int) -> Layers:
        """Chooses the layers for values of a shape, without the batch axis."""
        dims = 0 if channel_dim == -1 else len(shape) - 1
        if dims > len(CONVOLUTIONS):
            raise ShapeError(
                f"a stage must return vectors, tokens, or maps of one to three axes; found a map "
                f"of shape {list(shape)}. Name parts that return such with `as_staged`."
            )
        return cls(dims)

    def linear(self, fan_in: int, fan_out: int, kernel: int = 1) -> nn.Module:
        """Returns a convolution, or a linear layer; without the bias that batch norm takes out."""
        if self.dims == 0:
            return nn.Linear(fan_in, fan_out)
        made = CONVOLUTIONS[self.dims - 1]
        layer: nn.Module = made(fan_in, fan_out, kernel, padding=kernel // 2, bias=False)
        return layer

    def norm(self, channels: int) -> nn.Module:
        """Returns batch norm for maps, and layer norm for vectors and tokens.

        One channel alone has no layer norm: it would be a constant.
        """
        if self.dims:
            return BatchNorm(channels)
        return nn.LayerNorm(channels) if channels > 1 else nn.Identity()


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm over maps of any number of axes, for a batch with one value per channel as well.

    One value has no variance: the running statistics stand in for it.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        """Accepts any number of axes."""

    def forward(self, input: Tensor) -> Tensor:
        """Returns the normalised maps."""
        if self.training and input.numel() == input.shape[1]:
            return F.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(input)


class ProjectedBlock(nn.Module):
    """A residual block with a projection, ``max(0, F(x) + P(x))``.

    With F two layers of kernel 3 ("basic"), or three of kernels 1, 3, 1 with a quarter of the
    channels between them ("bottleneck").

    Args:
        layers: of what.
        fan_in: channels that enter.
        fan_out: channels that leave.
        bottleneck: which of the two.
    """

    def __init__(self, layers: Layers, fan_in: int, fan_out: int, bottleneck: bool) -> None:
        super().__init__()
        mid = max(fan_out // 4, 1) if bottleneck else fan_out
        kernels = (1, 3, 1) if bottleneck else (3, 3)
        widths = [fan_in, *([mid] * (len(kernels) - 1)), fan_out]
        parts: list[nn.Module] = []
        for position, kernel in enumerate(kernels):
            wide = widths[position + 1]
            parts += [layers.linear(widths[position], wide, kernel), layers.norm(wide), nn.ReLU()]
        self.body = nn.Sequential(*parts[:-1])
        self.shortcut = nn.Sequential(layers.linear(fan_in, fan_out), layers.norm(fan_out))

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output."""
        return F.relu(self.body(x) + self.shortcut(x))


def mask_layers(layers: Layers, fan_in: int, mid: int, fan_out: int) -> nn.Sequential:
    """Returns linear, norm, ReLU, linear, norm, sigmoid: one task's attention at one stage."""
    return nn.Sequential(
        layers.linear(fan_in, mid),
        layers.norm(mid),
        nn.ReLU(),
        layers.linear(mid, fan_out),
        layers.norm(fan_out),
        nn.Sigmoid(),
    )
