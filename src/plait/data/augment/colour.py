"""Brightness, contrast and saturation of an image."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.core.errors import DataError


def recolour(image: Tensor, *, brightness: float, contrast: float, saturation: float) -> Tensor:
    """Changes the colours of an image, in this order, and clamps it to [0, 1] once at the end.

    Args:
        image: `[C, H, W]` with values in [0, 1].
        brightness: factor on all values; 1 changes nothing.
        contrast: factor on the distance to the image's mean grey.
        saturation: factor on the distance to each pixel's own grey.

    Raises:
        DataError: a value is outside [0, 1].
    """
    low, high = image.aminmax()
    if not (low >= 0 and high <= 1):
        raise DataError(
            f"`image` must have values in [0, 1]; found {float(low):.4g} to {float(high):.4g}. "
            "Augment first, normalise afterwards."
        )
    image = image * brightness
    image = torch.lerp(_grey(image).mean().expand_as(image), image, contrast)
    return torch.lerp(_grey(image).expand_as(image), image, saturation).clamp(0, 1)


def _grey(image: Tensor) -> Tensor:
    if image.shape[0] != 3:
        return image.mean(0, keepdim=True)
    luma = image.new_tensor([0.299, 0.587, 0.114])  # ITU-R BT.601, as in Pillow
    return (image * luma.view(3, 1, 1)).sum(0, keepdim=True)
