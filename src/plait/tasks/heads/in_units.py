"""A head whose predictions are in the labels' unit."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class InUnits(nn.Module):
    """A head followed by ``mean + scale * output``, so that predictions are in the labels' unit.

    Where the mean is 0 and the scale 1 it hands on what the head predicts.

    Args:
        head: predicts in units of `scale`, about 0.
        mean: in the labels' unit, `[K]` or broadcast with the prediction.
        scale: likewise.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, head: nn.Module, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.head = head
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self._note_units()

    def forward(self, features: object) -> Tensor:
        """Returns predictions in the labels' unit."""
        output: Tensor = self.head(features)
        if not self.converts and output.dtype == self.mean.dtype:
            return output
        return self.mean + self.scale * output  # in the wider dtype, so that units are not rounded

    def _load_from_state_dict(self, *arguments: Any, **options: Any) -> None:
        super()._load_from_state_dict(*arguments, **options)
        self._note_units()

    def _note_units(self) -> None:
        """Looks once whether there is anything to do, and not in each pass."""
        mean, scale = self.mean, self.scale
        self.converts = mean.is_meta or bool((mean != 0).any() or (scale != 1).any())
