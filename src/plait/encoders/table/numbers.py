"""Numbers of a table at a common scale, whatever their unit, and with outliers held back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.encoders.table.row import Number

LINEAR = 4.0  # scales from the center, within which a number is only shifted and scaled


class Standardise(nn.Module):
    """Shifts and scales numbers, and holds back those that are far out.

        z = f((x - center) / scale),    f(u) = u where |u| <= 4, else sign(u) (4 + log(|u| - 3))

    f is the identity up to 4 scales from the center and grows like a logarithm beyond, so that an
    outlier stays the largest value without outweighing all others: f(1000) = 10.9. Infinity stays
    infinite, and is found as such. A missing value is 0, the center; so is a number that was the
    same in all training rows, since no weight of it has learned anything.

    The center is held as a sum of two float32, so that differences of large numbers, such as dates
    in seconds, are as exact as the inputs are. Float64 inputs are converted after the subtraction.

    Args:
        numbers: of the row, N.

    Shapes: rows `[B, F]` to `[B, N]`, in the dtype of the module.
    """

    entries: Tensor
    center: Tensor
    center_rest: Tensor
    rate: Tensor

    def __init__(self, numbers: Sequence[Number]) -> None:
        super().__init__()
        center = torch.tensor([n.center if n.varies else 0.0 for n in numbers], dtype=torch.float64)
        rate = [1 / n.scale if n.varies else 0.0 for n in numbers]
        dtype = torch.get_default_dtype()
        entries = torch.tensor([n.entry for n in numbers], dtype=torch.long)
        self.register_buffer("entries", entries, persistent=False)
        self.register_buffer("center", center.to(dtype))
        self.register_buffer("center_rest", (center - center.to(dtype)).to(dtype))
        self.register_buffer("rate", torch.tensor(rate, dtype=dtype))

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the standardised numbers."""
        if rows.shape[1] != len(self.entries):
            rows = rows.index_select(1, self.entries)
        z = held_back((rows - self.center - self.center_rest) * self.rate).to(self.rate.dtype)
        return torch.nan_to_num(z, nan=0.0, posinf=math.inf, neginf=-math.inf)


def held_back(u: Tensor) -> Tensor:
    """Returns f(u), which grows like a logarithm beyond 4; see `Standardise`."""
    inner = u.clamp(-LINEAR, LINEAR)
    beyond = u - inner
    return inner + beyond.sign() * beyond.abs().log1p()
